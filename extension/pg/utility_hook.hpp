#pragma once
// Watches utility statements that concern workers: those that create or drop the extension, those
// that need a database for themselves, and COMMIT PREPARED. Free of server headers.

namespace switchboard::pg {

// Call while preloading.
void InstallUtilityHook();

}  // namespace switchboard::pg
