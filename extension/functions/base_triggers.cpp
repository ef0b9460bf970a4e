#include "extension/pg/entry.hpp"
#include "extension/pg/trigger.hpp"

namespace switchboard {

// update_updated_at_column() -> trigger
SB_SQL_FUNCTION(sb_update_updated_at_column) { return pg::RowStampedWithNow(fcinfo, "updated_at"); }

}  // namespace switchboard
