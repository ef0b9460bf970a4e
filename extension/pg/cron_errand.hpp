#pragma once
// Errands to pg_cron. Its functions exist in one database of the server (cron.database_name), so an
// errand from another one is run there by a short-lived background worker, which needs no preloading
// of this module. Free of server headers.

#include <cstdint>
#include <string>

#include "extension/pg/cron_exchange.hpp"

namespace switchboard::pg {

// Texts are UTF-8. A job belongs to the role and is known by its name.
struct CronErrand {
  CronOperation operation;
  std::string name;
  std::string schedule;
  std::string command;
  std::string database;  // in which the command runs
};

// Does the errand in the current transaction, as the current role; the number of the job, or whether
// there was one to unschedule. Throws SB010 when pg_cron is not in this database or too old, and
// PgError.
std::string RunCronErrand(const CronErrand& errand);

// Has a worker do the errand in that database as the current role, in a transaction of its own, and
// waits for the answer: milliseconds as a rule, 15 s at most. What was done stays done when the
// current transaction rolls back. Throws what the worker threw; 53400 when no worker can be started,
// 58000 when it left without an answer, 57014 when it took too long.
std::string SendCronErrand(DatabaseId database, const CronErrand& errand);

// In that worker: reads the errand from the segment of shared memory named at its start, does it and
// answers. The process ends when the database cannot be reached.
void ServeCronErrand(std::uint32_t segment);

}  // namespace switchboard::pg
