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
  const pg::UpdateTrigger trigger(fcinfo);
  Columns& columns = pg::Cached<Columns>(fcinfo);
  if (columns.updated_at == 0) {
    columns.updated_at = trigger.Column("updated_at");
  }
  return trigger.With(columns.updated_at, pg::TransactionTime());
}

}  // namespace switchboard
