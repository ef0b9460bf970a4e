#include <string>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/function_cache.hpp"
#include "workers/core/calling_hours.hpp"

namespace switchboard {
namespace {

// Most statements ask about many people and one window: it is parsed when its text changes.
struct ParsedHours {
  std::string text;
  core::CallingHours hours = core::CallingHours::Always();
};

}  // namespace

// next_call_time(after timestamptz, timezone text, active_hours jsonb) -> timestamptz
SB_SQL_FUNCTION(sb_next_call_time) {
  ParsedHours& cached = pg::Cached<ParsedHours>(fcinfo);
  std::string text = pg::ArgJson(fcinfo, 2);
  if (text != cached.text) {
    cached.hours = core::CallingHours::Parse(text);
    cached.text = std::move(text);
  }
  return pg::ReturnOptTimestamp(
      fcinfo, cached.hours.Next(pg::ArgTimestamp(fcinfo, 0), pg::ArgText(fcinfo, 1)));
}

// _hours_within(hours jsonb, outer_hours jsonb) -> boolean
SB_SQL_FUNCTION(sb_hours_within) {
  const core::CallingHours hours = core::CallingHours::Parse(pg::ArgJson(fcinfo, 0));
  return pg::ReturnBool(hours.Within(core::CallingHours::Parse(pg::ArgJson(fcinfo, 1))));
}

}  // namespace switchboard
