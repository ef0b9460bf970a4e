// What happens when the server loads the module. Preloaded, this runs in the postmaster: everything
// made here is inherited by every process, so there are no sockets, threads, random numbers or
// secrets.

#include "extension/pg/background_worker.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/process.hpp"
#include "extension/pg/settings.hpp"
#include "extension/pg/utility_hook.hpp"
#include "extension/pg/wake.hpp"
#include "extension/pg/worker_slots.hpp"

namespace switchboard {
namespace {

void Load() {
  if (pg::IsBinaryUpgrade()) {
    return;
  }
  pg::DefineSettings();
  if (pg::IsPreloading()) {
    pg::RequestWorkerSlots();
    pg::RegisterCommitCallback();
    pg::InstallUtilityHook();
    pg::RegisterLauncher();
  }
}

}  // namespace
}  // namespace switchboard

extern "C" SB_EXPORT void _PG_init(void) { switchboard::pg::Entry(switchboard::Load); }
