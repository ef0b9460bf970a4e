#pragma once
// How a backend and the background worker that runs an errand to pg_cron for it talk: one segment of
// shared memory, written by one side before the other reads. Free of server headers.

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>

#include "extension/pg/worker_slots.hpp"

namespace switchboard::pg {

enum class CronOperation : int {
  kSchedule,   // makes the named job what the errand says; the answer is its number
  kUnschedule  // removes the named job; the answer is true, or false when there was none
};

enum class CronOutcome : int { kNone, kDone, kFailed };

// Texts are UTF-8 and end with NUL. Roles are not converted: databases of every encoding share them.
struct CronExchange {
  DatabaseId database;
  CronOperation operation;
  char role[64];
  char name[256];
  char schedule[256];
  char command[1024];
  char job_database[256];

  CronOutcome outcome;
  char answer[64];
  char sqlstate[6];
  char message[1024];
  char detail[1024];
  char hint[1024];
};
static_assert(std::is_trivially_copyable_v<CronExchange>);

// The database of this session, and the role whose rights hold, as the server stores it.
DatabaseId CurrentDatabase();
std::string CurrentDatabaseName();
std::string CurrentRoleBytes();

// Starts a worker (sb_cron_errand_main), waits for its end and brings back what it wrote. Throws
// PgError: 53400 no worker can be started, 57014 it took longer than that, 25006 a read-only
// transaction or standby.
void ExchangeWithWorker(CronExchange* exchange, std::chrono::milliseconds patience);

// In the worker: lets signals in and maps the segment for the life of the process; null when whoever
// asked has gone.
CronExchange* AttachExchange(std::uint32_t segment);

}  // namespace switchboard::pg
