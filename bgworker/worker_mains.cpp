// Where the postmaster lets launcher, workers and errands begin. They end by ExitProcess: code 0 says there
// is nothing to repeat, 1 that it is to be started again.

#include "bgworker/child_files.hpp"
#include "bgworker/database_worker.hpp"
#include "bgworker/launcher.hpp"
#include "extension/pg/background_worker.hpp"
#include "extension/pg/cron_errand.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/worker_process.hpp"
#include "extension/pg/worker_slots.hpp"

namespace switchboard::bgworker {
namespace {

using namespace std::chrono_literals;

// Shorter than the usual deadlock_timeout: whoever waits for a worker that waits is let through
// before it is taken for the victim.
constexpr auto kLockTimeout = 500ms;

void RunLauncher() {
  pg::AcceptSignals();
  pg::AttachLauncher();
  pg::ConnectWithoutDatabase();
  Launcher().Run();
}

// DROP EXTENSION made the workers leave without stopping their children.
void EndChildrenOf(pg::DatabaseId database) {
  for (const ChildFiles& files : ListChildFiles()) {
    if (files.database() == database) {
      files.EndChild();
    }
  }
}

void RunWorker() {
  const pg::WorkerAssignment assignment = pg::MyAssignment();
  pg::AcceptSignals();
  if (!pg::OccupySlot(assignment.slot)) {
    return;
  }
  pg::ConnectToDatabase(assignment.database);
  if (!pg::ExtensionExists()) {
    EndChildrenOf(assignment.database);
    return pg::SetWorkerExit(pg::WorkerExit::kNoExtension);
  }
  pg::BecomeRole("switchboard_worker", kLockTimeout);
  MakeChildFolder();
  pg::MarkServing();
  DatabaseWorker(assignment).Run();
}

}  // namespace
}  // namespace switchboard::bgworker

extern "C" {

// SIGTERM may have come from anyone: unless the server is shutting down, the launcher is to return.
SB_EXPORT void sb_launcher_main(Datum) {
  switchboard::pg::Entry([] { switchboard::bgworker::RunLauncher(); });
  switchboard::pg::ExitProcess(1);
}

// The launcher reads from the worker's slot why it left, and decides.
SB_EXPORT void sb_worker_main(Datum) {
  switchboard::pg::Entry([] { switchboard::bgworker::RunWorker(); });
  switchboard::pg::ExitProcess(0);
}

// Started by a backend for one errand, preloaded or not; never started again.
SB_EXPORT void sb_cron_errand_main(Datum segment) {
  switchboard::pg::Entry(
      [segment] { switchboard::pg::ServeCronErrand(static_cast<std::uint32_t>(segment)); });
  switchboard::pg::ExitProcess(0);
}
}
