#include <array>

#include "extension/pg/entry.hpp"
#include "extension/pg/function_cache.hpp"
#include "extension/pg/trigger.hpp"

namespace switchboard {
namespace {

struct Columns {
  int updated_at = 0;
};

}  // namespace

// update_updated_at_column() -> trigger
SB_SQL_FUNCTION(sb_update_updated_at_column) {
  const pg::RowTrigger trigger(fcinfo, pg::TriggerEvents::kUpdate);
  Columns& columns = pg::Cached<Columns>(fcinfo);
  if (columns.updated_at == 0) {
    columns.updated_at = trigger.Column("updated_at");
  }
  const std::array values = {pg::TimestampColumn(columns.updated_at, pg::TransactionTime())};
  return trigger.With(values);
}

}  // namespace switchboard
