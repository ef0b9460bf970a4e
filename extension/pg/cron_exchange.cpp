#include "extension/pg/cron_exchange.hpp"

#include "extension/pg/args.hpp"
#include "extension/pg/compat.hpp"
#include "extension/pg/guard.hpp"

extern "C" {
#include "commands/dbcommands.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "tcop/tcopprot.h"
}

namespace switchboard::pg {
namespace {

static_assert(sizeof(CronExchange::role) == NAMEDATALEN);

BackgroundWorkerHandle* StartErrandWorkerPg(dsm_handle segment) {
  BackgroundWorker worker;
  memset(&worker, 0, sizeof worker);
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker.bgw_restart_time = BGW_NEVER_RESTART;
  worker.bgw_notify_pid = MyProcPid;
  worker.bgw_main_arg = UInt32GetDatum(segment);
  strlcpy(worker.bgw_type, "pg_switchboard cron errand", BGW_MAXLEN);
  strlcpy(worker.bgw_name, "pg_switchboard cron errand", BGW_MAXLEN);
  strlcpy(worker.bgw_library_name, "pg_switchboard", sizeof worker.bgw_library_name);
  strlcpy(worker.bgw_function_name, "sb_cron_errand_main", BGW_MAXLEN);
  BackgroundWorkerHandle* handle = nullptr;
  if (!RegisterDynamicBackgroundWorker(&worker, &handle)) {
    ereport(ERROR,
            (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
             errmsg("no background worker is free to reach pg_cron in its database"),
             errhint("Raise max_worker_processes, or let cron.database_name be this database.")));
  }
  return handle;
}

void AwaitEndPg(BackgroundWorkerHandle* handle, long patience_ms) {
  const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), patience_ms);
  pid_t pid;
  while (GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED) {
    const long left_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
    if (left_ms <= 0) {
      TerminateBackgroundWorker(handle);
      ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
                      errmsg("pg_cron did not answer within %ld ms", patience_ms)));
    }
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left_ms,
              WaitEvent("SwitchboardCron"));
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  }
}

// The segment belongs to the transaction, which drops it when an error passes.
void ExchangePg(CronExchange* exchange, long patience_ms) {
  PreventCommandIfReadOnly("scheduling by pg_cron");
  PreventCommandDuringRecovery("scheduling by pg_cron");
  dsm_segment* const segment = dsm_create(sizeof(CronExchange), 0);
  void* const shared = dsm_segment_address(segment);
  memcpy(shared, exchange, sizeof *exchange);
  AwaitEndPg(StartErrandWorkerPg(dsm_segment_handle(segment)), patience_ms);
  memcpy(exchange, shared, sizeof *exchange);
  dsm_detach(segment);
}

// Outside a transaction: the mapping lasts as long as the process.
CronExchange* AttachPg(dsm_handle handle) {
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  dsm_segment* const segment = dsm_attach(handle);
  return segment == nullptr ? nullptr : static_cast<CronExchange*>(dsm_segment_address(segment));
}

}  // namespace

DatabaseId CurrentDatabase() { return MyDatabaseId; }

std::string CurrentDatabaseName() {
  return Utf8FromServer(CallPg([] { return get_database_name(MyDatabaseId); }));
}

std::string CurrentRoleBytes() {
  return CallPg([] { return GetUserNameFromId(GetUserId(), false); });
}

void ExchangeWithWorker(CronExchange* exchange, std::chrono::milliseconds patience) {
  const long patience_ms = static_cast<long>(patience.count());
  CallPg([exchange, patience_ms] { ExchangePg(exchange, patience_ms); });
}

CronExchange* AttachExchange(std::uint32_t segment) {
  return CallPg([segment] { return AttachPg(segment); });
}

}  // namespace switchboard::pg
