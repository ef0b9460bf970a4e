#include "extension/pg/worker_process.hpp"

#include "extension/pg/args.hpp"
#include "extension/pg/compat.hpp"
#include "extension/pg/guard.hpp"
#include "extension/pg/transaction.hpp"

extern "C" {
#include "access/heapam.h"
#include "access/tableam.h"
#include "catalog/pg_database.h"
#include "commands/extension.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/timeout.h"
}

namespace switchboard::pg {
namespace {

// A database that DROP DATABASE left half removed; the server's name for it is missing in early
// releases of 15.
constexpr int kInvalidDatabase = -2;

struct SessionSetting {
  const char* name;
  const char* value;
};
constexpr SessionSetting kSessionSettings[] = {
    {"search_path", "pg_catalog, pg_temp"},
    {"deadlock_timeout", "10ms"},
    {"default_transaction_isolation", "read committed"},
    {"idle_in_transaction_session_timeout", "0"},
    {"jit", "off"},
    {"transaction_timeout", "0"},
};

// Settings that this server version does not have are passed over.
void SetForSessionPg(const char* name, const char* value) {
  if (GetConfigOption(name, true, false) != nullptr) {
    SetConfigOption(name, value, PGC_SUSET, PGC_S_SESSION);
  }
}

bool IsWorkable(const FormData_pg_database& form) {
  return form.datallowconn && !form.datistemplate && form.datconnlimit != kInvalidDatabase;
}

struct DatabaseRow {
  Oid id;
  char name[NAMEDATALEN];
  bool workable;
};
struct DatabaseRows {
  DatabaseRow* rows;
  size_t count;
};

DatabaseRows ReadDatabasesPg() {
  List* found = NIL;
  const Relation relation = table_open(DatabaseRelationId, AccessShareLock);
  const TableScanDesc scan = table_beginscan_catalog(relation, 0, nullptr);
  while (HeapTuple tuple = heap_getnext(scan, ForwardScanDirection)) {
    const auto* const form = reinterpret_cast<const FormData_pg_database*>(GETSTRUCT(tuple));
    auto* const row = static_cast<DatabaseRow*>(palloc0(sizeof(DatabaseRow)));
    row->id = form->oid;
    row->workable = IsWorkable(*form);
    strlcpy(row->name, NameStr(form->datname), NAMEDATALEN);
    found = lappend(found, row);
  }
  table_endscan(scan);
  table_close(relation, AccessShareLock);
  DatabaseRows result{nullptr, static_cast<size_t>(list_length(found))};
  result.rows = static_cast<DatabaseRow*>(palloc(sizeof(DatabaseRow) * (result.count + 1)));
  size_t next = 0;
  const ListCell* cell;
  foreach (cell, found) {
    result.rows[next++] = *static_cast<const DatabaseRow*>(lfirst(cell));
  }
  return result;
}

// A cancel that arrives between statements has nothing to cancel.
void ServeInterruptsPg() {
  QueryCancelPending = false;
  CHECK_FOR_INTERRUPTS();
}

unsigned WaitPg(int fd, unsigned interest, long time_ms) {
  int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
  if (time_ms >= 0) {
    events |= WL_TIMEOUT;
  }
  if (fd >= 0) {
    events |= (interest & kReadable) != 0 ? WL_SOCKET_READABLE : 0;
    events |= (interest & kWritable) != 0 ? WL_SOCKET_WRITEABLE : 0;
  }
  const bool with_socket = (events & (WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE)) != 0;
  const int came = WaitLatchOrSocket(MyLatch, events, with_socket ? fd : PGINVALID_SOCKET, time_ms,
                                     WaitEvent("SwitchboardWorker"));
  if ((came & WL_LATCH_SET) != 0) {
    ResetLatch(MyLatch);
  }
  ServeInterruptsPg();
  return ((came & WL_SOCKET_READABLE) != 0 ? kReadable : 0u) |
         ((came & WL_SOCKET_WRITEABLE) != 0 ? kWritable : 0u);
}

constexpr int kServerLevels[] = {DEBUG1, LOG, WARNING};

void LogPg(int level, const char* message, const char* hint) {
  ereport(level, (errmsg_internal("%s", message), *hint != '\0' ? errhint("%s", hint) : 0));
}

}  // namespace

void AcceptSignals() {
  CallPg([] {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    BackgroundWorkerUnblockSignals();
  });
}

bool ShutdownRequested() { return ShutdownRequestPending; }

bool ReloadedSettings() {
  if (!ConfigReloadPending) {
    return false;
  }
  ConfigReloadPending = false;
  CallPg([] { ProcessConfigFile(PGC_SIGHUP); });
  return true;
}

void ConnectWithoutDatabase() {
  CallPg([] { BackgroundWorkerInitializeConnection(nullptr, nullptr, 0); });
}

void ConnectToDatabase(DatabaseId database) {
  CallPg([database] { BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0); });
}

void BecomeRole(const char* role, std::chrono::milliseconds lock_timeout) {
  const std::string timeout = std::to_string(lock_timeout.count());
  const char* const timeout_text = timeout.c_str();
  WorkerTransaction transaction;
  CallPg([role, timeout_text] {
    for (const SessionSetting& setting : kSessionSettings) {
      SetForSessionPg(setting.name, setting.value);
    }
    SetForSessionPg("lock_timeout", timeout_text);
    SetForSessionPg("application_name", "pg_switchboard");
    SetForSessionPg("role", role);
  });
  transaction.Commit();
}

bool ExtensionExists() {
  WorkerTransaction transaction;
  const bool exists = CallPg([] { return OidIsValid(get_extension_oid("pg_switchboard", true)); });
  transaction.Commit();
  return exists;
}

std::vector<DatabaseInfo> ReadDatabases() {
  WorkerTransaction transaction;
  const DatabaseRows rows = CallPg(ReadDatabasesPg);
  std::vector<DatabaseInfo> databases;
  databases.reserve(rows.count);
  for (size_t i = 0; i < rows.count; ++i) {
    databases.push_back({rows.rows[i].id, rows.rows[i].name, rows.rows[i].workable});
  }
  transaction.Commit();
  return databases;
}

unsigned WaitForWork(int fd, unsigned interest, std::chrono::milliseconds time) {
  const long time_ms = static_cast<long>(time.count());
  return CallPg([=] { return WaitPg(fd, interest, time_ms); });
}

StatementLimit::StatementLimit(std::chrono::milliseconds limit) {
  const int ms = static_cast<int>(limit.count());
  CallPg([ms] {
    QueryCancelPending = false;
    enable_timeout_after(STATEMENT_TIMEOUT, ms);
  });
}

StatementLimit::~StatementLimit() { disable_timeout(STATEMENT_TIMEOUT, false); }

void ReportActivity(const char* text) {
  debug_query_string = text;
  CallPg([text] {
    SetCurrentStatementStartTimestamp();
    pgstat_report_activity(text != nullptr ? STATE_RUNNING : STATE_IDLE, text);
  });
}

bool ReportStatistics(bool force) {
  return CallPg([force] { return pgstat_report_stat(force) == 0; });
}

void StartRound() {
  CallPg([] {
    static MemoryContext round = nullptr;
    if (round == nullptr) {
      round = AllocSetContextCreate(TopMemoryContext, "switchboard round", ALLOCSET_DEFAULT_SIZES);
    }
    MemoryContextReset(round);
    MemoryContextSwitchTo(round);
  });
}

void Log(LogLevel level, const std::string& message, const std::string& hint) {
  const std::string server_message = ServerFromUtf8(message);
  const std::string server_hint = ServerFromUtf8(hint);
  const char* const message_text = server_message.c_str();
  const char* const hint_text = server_hint.c_str();
  const int server_level = kServerLevels[static_cast<size_t>(level)];
  CallPg([=] { LogPg(server_level, message_text, hint_text); });
}

std::string ProgramFolder() {
  const std::string path = my_exec_path;
  return path.substr(0, path.rfind('/'));
}

void ExitProcess(int code) { proc_exit(code); }

}  // namespace switchboard::pg
