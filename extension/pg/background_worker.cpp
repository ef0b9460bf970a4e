#include "extension/pg/background_worker.hpp"

#include "extension/pg/guard.hpp"

extern "C" {
#include "postmaster/bgworker.h"
}

namespace switchboard::pg {
namespace {

constexpr int kLauncherRestartSeconds = 1;

static_assert(sizeof(WorkerAssignment) <= BGW_EXTRALEN &&
              std::is_trivially_copyable_v<WorkerAssignment>);

void DescribePg(BackgroundWorker* worker, const char* type, const char* function) {
  memset(worker, 0, sizeof *worker);
  worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
  strlcpy(worker->bgw_type, type, BGW_MAXLEN);
  strlcpy(worker->bgw_name, type, BGW_MAXLEN);
  strlcpy(worker->bgw_library_name, "pg_switchboard", sizeof worker->bgw_library_name);
  strlcpy(worker->bgw_function_name, function, sizeof worker->bgw_function_name);
}

void RegisterLauncherPg() {
  BackgroundWorker worker;
  DescribePg(&worker, "pg_switchboard launcher", "sb_launcher_main");
  worker.bgw_restart_time = kLauncherRestartSeconds;
  RegisterBackgroundWorker(&worker);
}

// The handle must outlive the transaction.
BackgroundWorkerHandle* StartWorkerPg(const WorkerAssignment* assignment, const char* database) {
  BackgroundWorker worker;
  DescribePg(&worker, "pg_switchboard worker", "sb_worker_main");
  pg_snprintf(worker.bgw_name, BGW_MAXLEN, "pg_switchboard worker %d of database %s",
              assignment->number, database);
  worker.bgw_restart_time = BGW_NEVER_RESTART;
  worker.bgw_notify_pid = MyProcPid;
  memcpy(worker.bgw_extra, assignment, sizeof *assignment);
  const MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
  BackgroundWorkerHandle* handle = nullptr;
  const bool registered = RegisterDynamicBackgroundWorker(&worker, &handle);
  MemoryContextSwitchTo(before);
  return registered ? handle : nullptr;
}

}  // namespace

void RegisterLauncher() { CallPg(RegisterLauncherPg); }

BackgroundWorkerHandle* StartWorker(const WorkerAssignment& assignment,
                                    const std::string& database) {
  const WorkerAssignment* const to = &assignment;
  const char* const name = database.c_str();
  return CallPg([to, name] { return StartWorkerPg(to, name); });
}

WorkerAssignment MyAssignment() {
  WorkerAssignment assignment;
  memcpy(&assignment, MyBgworkerEntry->bgw_extra, sizeof assignment);
  return assignment;
}

bool WorkerHasEnded(BackgroundWorkerHandle* handle) {
  return CallPg([handle] {
    pid_t pid;
    return GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED;
  });
}

void ForgetWorker(BackgroundWorkerHandle* handle) noexcept {
  CallPg([handle] { pfree(handle); });
}

}  // namespace switchboard::pg
