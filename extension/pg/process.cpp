#include "extension/pg/process.hpp"

#include "extension/pg/guard.hpp"

namespace switchboard::pg {

bool IsBinaryUpgrade() { return ::IsBinaryUpgrade; }

bool IsPreloading() { return process_shared_preload_libraries_in_progress; }

bool CancelPending() { return InterruptPending && (QueryCancelPending || ProcDiePending); }

void CheckForInterrupts() {
  CallPg([] { CHECK_FOR_INTERRUPTS(); });
}

}  // namespace switchboard::pg
