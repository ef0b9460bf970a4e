#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/trigger.hpp"
#include "extension/pg/wake.hpp"

namespace switchboard {

// _wake() -> void
SB_SQL_FUNCTION(sb_wake) {
  pg::WakeWorkersAtCommit();
  return pg::ReturnVoid();
}

// _wake_trigger() -> trigger
SB_SQL_FUNCTION(sb_wake_trigger) {
  const Datum result = pg::StatementTriggerResult(fcinfo);
  pg::WakeWorkersAtCommit();
  return result;
}

}  // namespace switchboard
