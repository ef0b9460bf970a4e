#include <optional>
#include <string>
#include <utility>

#include "extension/pg/args.hpp"
#include "extension/pg/cron_errand.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/function_cache.hpp"
#include "workers/core/cron_schedule.hpp"
#include "workers/core/errors.hpp"

namespace switchboard {
namespace {

// Most statements ask about one schedule again and again: it is parsed when its text changes.
struct ParsedSchedule {
  std::string text;
  std::optional<core::CronSchedule> schedule;
};

pg::CronOperation Operation(const std::string& name) {
  if (name == "schedule") return pg::CronOperation::kSchedule;
  if (name == "unschedule") return pg::CronOperation::kUnschedule;
  throw core::BadArgument("no such operation of pg_cron: " + core::Quoted(name));
}

}  // namespace

// next_schedule_time(cron text, timezone text, after timestamptz) -> timestamptz
SB_SQL_FUNCTION(sb_next_schedule_time) {
  ParsedSchedule& cached = pg::Cached<ParsedSchedule>(fcinfo);
  std::string text = pg::ArgText(fcinfo, 0);
  if (!cached.schedule || text != cached.text) {
    cached.schedule = core::CronSchedule::Parse(text);
    cached.text = std::move(text);
  }
  return pg::ReturnOptTimestamp(
      fcinfo, cached.schedule->Next(pg::ArgTimestamp(fcinfo, 2), pg::ArgText(fcinfo, 1)));
}

// _cron_errand(cron_database oid, operation text, name text, schedule text, command text) -> text
SB_SQL_FUNCTION(sb_cron_errand) {
  const pg::DatabaseId cron_database = pg::ArgOid(fcinfo, 0);
  const pg::CronErrand errand = {Operation(pg::ArgText(fcinfo, 1)), pg::ArgText(fcinfo, 2),
                                 pg::ArgText(fcinfo, 3), pg::ArgText(fcinfo, 4),
                                 pg::CurrentDatabaseName()};
  return pg::ReturnText(cron_database == pg::CurrentDatabase()
                            ? pg::RunCronErrand(errand)
                            : pg::SendCronErrand(cron_database, errand));
}

}  // namespace switchboard
