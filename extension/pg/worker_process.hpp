#pragma once
// The process a background worker is: signals, connection, waiting, leaving. Free of server
// headers.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "extension/pg/worker_slots.hpp"

namespace switchboard::pg {

// SIGTERM and SIGHUP set flags and the latch; then signals are let in. First thing in a worker.
void AcceptSignals();

bool ShutdownRequested();
// Reads the configuration again when SIGHUP came; true when it did.
bool ReloadedSettings();

// Shared catalogs only.
void ConnectWithoutDatabase();
// Fails fatally when there is no such database; then the process ends with code 1.
void ConnectToDatabase(DatabaseId database);

// Makes every statement of this session run as that role, with settings that suit short
// transactions, whatever the database's own settings are: read committed, no JIT, locks waited for
// briefly, and the first to look for a deadlock and give way.
void BecomeRole(const char* role, std::chrono::milliseconds lock_timeout);

// Whether the extension exists in this database. Opens its own transaction.
bool ExtensionExists();

struct DatabaseInfo {
  DatabaseId id;
  std::string name;
  bool workable;  // accepts connections and is no template
};
// All databases. Opens its own transaction.
std::vector<DatabaseInfo> ReadDatabases();

enum WaitFor : unsigned { kReadable = 1, kWritable = 2 };
// Waits for the latch, for what `interest` (of WaitFor) says about `fd` unless that is negative, or
// until the time is over; a negative time means for ever. Returns what of the interest came true.
// The latch is reset and what other backends ask of every process is served. The process ends when
// the postmaster is gone.
unsigned WaitForWork(int fd, unsigned interest, std::chrono::milliseconds time);

// Cancels the statement running in this process after `limit`; statement_timeout is not armed in
// background workers. Disarmed by the destructor.
class StatementLimit {
 public:
  explicit StatementLimit(std::chrono::milliseconds limit);
  ~StatementLimit();
  StatementLimit(const StatementLimit&) = delete;
  StatementLimit& operator=(const StatementLimit&) = delete;
};

// For pg_stat_activity. `text` must outlive the activity; null: idle.
void ReportActivity(const char* text);
// Hands table statistics to the server, without which autovacuum never comes. False: some were held
// back, ask again within a second, with `force` when nothing else is to be done.
bool ReportStatistics(bool force);

// Memory for one round of a worker's loop: the server's allocations since the last call are freed.
void StartRound();

enum class LogLevel { kDebug, kInfo, kWarning };
// To the server log. Texts are UTF-8.
void Log(LogLevel level, const std::string& message, const std::string& hint = {});

// Folder of the server's programs.
std::string ProgramFolder();

// Ends the process. Nothing with a destructor may be alive (B12).
[[noreturn]] void ExitProcess(int code);

}  // namespace switchboard::pg
