// A background worker that meets errors and goes on in the same process.

#include "extension/pg/guard.hpp"

extern "C" {
#include "postmaster/bgworker.h"
}

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/spi.hpp"
#include "extension/pg/transaction.hpp"
#include "test/boundary/live.hpp"

namespace switchboard::boundary {
namespace {

void Execute(const char* sql) {
  Live one;
  pg::WorkerTransaction transaction;
  {
    pg::SpiSession session;
    pg::SqlStatement(sql, 0).Run();
  }
  transaction.Commit();
}

bool Fails(const char* sql) {
  try {
    Execute(sql);
  } catch (const pg::PgError&) {
    return true;
  }
  return false;
}

bool FailsOutsideTheServer() {
  try {
    pg::WorkerTransaction transaction;
    pg::SpiSession session;
    pg::SqlStatement("INSERT INTO worker_notes VALUES ('rolled back')", 0).Run();
    throw std::runtime_error("between two statements");
  } catch (const std::runtime_error&) {
    return true;
  }
}

void Work() {
  bool as_expected = Fails("SELECT 1 / 0");
  as_expected = Fails("SELECT FROM no_such_table") && as_expected;
  as_expected = FailsOutsideTheServer() && as_expected;
  // Fails at commit: the constraint is deferred.
  as_expected = Fails("INSERT INTO worker_deferred VALUES (1), (1)") && as_expected;
  Execute(as_expected && Live::count == 1 ? "INSERT INTO worker_notes VALUES ('went on')"
                                          : "INSERT INTO worker_notes VALUES ('broken')");
}

}  // namespace

// sb_start_worker() -> void
SB_SQL_FUNCTION(sb_start_worker) {
  pg::CallPg([] {
    BackgroundWorker worker{};
    strlcpy(worker.bgw_name, "switchboard boundary test", BGW_MAXLEN);
    strlcpy(worker.bgw_type, "switchboard boundary test", BGW_MAXLEN);
    strlcpy(worker.bgw_library_name, "switchboard_boundary", BGW_MAXLEN);
    strlcpy(worker.bgw_function_name, "sb_boundary_worker", BGW_MAXLEN);
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
    if (!RegisterDynamicBackgroundWorker(&worker, nullptr)) {
      elog(ERROR, "no background worker left");
    }
  });
  return pg::ReturnVoid();
}

}  // namespace switchboard::boundary

extern "C" SB_EXPORT void sb_boundary_worker(Datum database) {
  using namespace switchboard;
  pg::Entry([database] {
    pg::CallPg([database] {
      BackgroundWorkerUnblockSignals();
      BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);
    });
    boundary::Live outermost;
    boundary::Work();
  });
}
