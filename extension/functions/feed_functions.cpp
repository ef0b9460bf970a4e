#include <array>
#include <string>
#include <vector>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/feed_holds.hpp"
#include "extension/pg/function_cache.hpp"
#include "extension/pg/trigger.hpp"
#include "extension/pg/worker_slots.hpp"

namespace switchboard {
namespace {

struct Columns {
  int seq = 0;
  int tenant_id = 0;
};

std::string ArrayText(const std::vector<std::string>& numbers) {
  std::string text = "{";
  for (const std::string& number : numbers) {
    text += (text.size() > 1 ? "," : "") + number;
  }
  return text + "}";
}

}  // namespace

// _number_event() -> trigger. An event of no tenant is left to the constraint.
SB_SQL_FUNCTION(sb_number_event) {
  const pg::RowTrigger trigger(fcinfo, pg::TriggerEvents::kInsert);
  Columns& columns = pg::Cached<Columns>(fcinfo);
  if (columns.seq == 0) {
    columns = {trigger.Column("seq"), trigger.Column("tenant_id")};
  }
  if (trigger.IsNull(columns.tenant_id)) {
    return trigger.Unchanged();
  }
  const std::array values = {
      pg::BigintColumn(columns.seq, pg::NumberEvent(trigger.Uuid(columns.tenant_id)))};
  return trigger.With(values);
}

// _feed_bound(tenant uuid) -> bigint
SB_SQL_FUNCTION(sb_feed_bound) { return pg::ReturnBigint(pg::FeedBound(pg::ArgUuid(fcinfo, 0))); }

// _last_event() -> bigint
SB_SQL_FUNCTION(sb_last_event) { return pg::ReturnBigint(pg::LastEventNumber()); }

// _feed_holds(OUT last bigint, OUT keys int[], OUT bounds bigint[])
SB_SQL_FUNCTION(sb_feed_holds) {
  std::int64_t last = 0;
  std::vector<std::string> keys;
  std::vector<std::string> bounds;
  for (const pg::FeedHold& hold : pg::ReadFeedHolds(&last)) {
    keys.push_back(std::to_string(hold.key));
    bounds.push_back(std::to_string(hold.bound));
  }
  const std::array row = {std::to_string(last), ArrayText(keys), ArrayText(bounds)};
  return pg::ReturnRow(fcinfo, row);
}

// _has_background_worker() -> boolean
SB_SQL_FUNCTION(sb_has_background_worker) { return pg::ReturnBool(pg::MyDatabaseIsServed()); }

}  // namespace switchboard
