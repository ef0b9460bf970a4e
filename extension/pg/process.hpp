#pragma once
// Questions about the server process this code runs in. Free of server headers.

namespace switchboard::pg {

// pg_upgrade is at work: touch nothing.
bool IsBinaryUpgrade();

// The module is being loaded by shared_preload_libraries, in the postmaster.
bool IsPreloading();

// A cancel or termination waits to be handled. Two loads: cheap enough for a loop; return when
// true, and the next guarded server call or the end of the function raises.
bool CancelPending();

// Raises what CancelPending saw, as PgError.
void CheckForInterrupts();

}  // namespace switchboard::pg
