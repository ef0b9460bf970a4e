#include "extension/pg/cron_errand.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <vector>

#include "extension/pg/args.hpp"
#include "extension/pg/error.hpp"
#include "extension/pg/spi.hpp"
#include "extension/pg/transaction.hpp"
#include "extension/pg/worker_process.hpp"
#include "workers/core/errors.hpp"

namespace switchboard::pg {
namespace {

using namespace std::chrono_literals;

constexpr auto kLockTimeout = 5000ms;
constexpr auto kStatementLimit = 10000ms;
// Longer than the worker allows itself, so that its own error is the one that is seen.
constexpr auto kPatience = 15000ms;

constinit SqlStatement pg_cron_is_usable(
    "SELECT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron'),"
    " EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid"
    "  WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass"
    "  AND d.deptype = 'e' AND e.extname = 'pg_cron' AND d.objid ="
    "  to_regprocedure('cron.schedule_in_database(text,text,text,text,text,boolean)'))",
    0);
// A job that is there already is left alone: whoever made it inactive meant it.
constinit SqlStatement find_job(
    "SELECT j.jobid FROM cron.job j WHERE j.jobname::text = $1 AND j.username = current_user"
    " AND j.schedule = $2 AND j.command = $3 AND j.database = $4",
    4);
constinit SqlStatement schedule_job("SELECT cron.schedule_in_database($1, $2, $3, $4)", 4);
constinit SqlStatement unschedule_job(
    "SELECT cron.unschedule(j.jobid) FROM cron.job j"
    " WHERE j.jobname::text = $1 AND j.username = current_user",
    1);

void RequirePgCron() {
  const SqlRow usable = pg_cron_is_usable.Run().at(0);
  if (usable.at(0) != "t") {
    throw core::MissingComponent(
        "extension pg_cron does not exist in database " + core::Quoted(CurrentDatabaseName()),
        "Run there: CREATE EXTENSION pg_cron;");
  }
  if (usable.at(1) != "t") {
    throw core::MissingComponent(
        "extension pg_cron in database " + core::Quoted(CurrentDatabaseName()) +
            " is older than 1.4",
        "With a newer pg_cron installed run there: ALTER EXTENSION pg_cron UPDATE;");
  }
}

std::string ScheduleJob(const CronErrand& errand) {
  const std::array<SqlValue, 4> job = {errand.name, errand.schedule, errand.command,
                                       errand.database};
  const std::vector<SqlRow> known = find_job.Run(job);
  return known.empty() ? schedule_job.Run(job).at(0).at(0).value() : known[0][0].value();
}

std::string UnscheduleJob(const CronErrand& errand) {
  const std::array<SqlValue, 1> name = {errand.name};
  return unschedule_job.Run(name).empty() ? "false" : "true";
}

// --- texts in shared memory ---

template <std::size_t kSize>
void Put(char (&to)[kSize], const std::string& from) {
  if (from.size() >= kSize) {
    throw core::LimitExceeded("too long for a job of pg_cron: " + core::Quoted(from));
  }
  std::memcpy(to, from.c_str(), from.size() + 1);
}

// What is too long is cut between two characters.
template <std::size_t kSize>
void PutShortened(char (&to)[kSize], const std::string& from) {
  std::size_t length = std::min(from.size(), kSize - 1);
  while (length < from.size() && length > 0 &&
         (static_cast<unsigned char>(from[length]) & 0xC0) == 0x80) {
    --length;
  }
  Put(to, from.substr(0, length));
}

CronExchange Pack(DatabaseId database, const CronErrand& errand) {
  CronExchange exchange{};
  exchange.database = database;
  exchange.operation = errand.operation;
  Put(exchange.role, CurrentRoleBytes());
  Put(exchange.name, errand.name);
  Put(exchange.schedule, errand.schedule);
  Put(exchange.command, errand.command);
  Put(exchange.job_database, errand.database);
  return exchange;
}

CronErrand Unpack(const CronExchange& exchange) {
  return {exchange.operation, exchange.name, exchange.schedule, exchange.command,
          exchange.job_database};
}

// --- the worker ---

void AnswerError(CronExchange* exchange, const std::string& sqlstate, const std::string& message,
                 const std::string& detail, const std::string& hint) {
  Put(exchange->sqlstate, sqlstate);
  PutShortened(exchange->message, message);
  PutShortened(exchange->detail, detail);
  PutShortened(exchange->hint, hint);
  exchange->outcome = CronOutcome::kFailed;
}

std::string RunInTransaction(const CronErrand& errand) {
  WorkerTransaction transaction;
  const StatementLimit limit(kStatementLimit);
  std::string answer = RunCronErrand(errand);
  transaction.Commit();
  return answer;
}

}  // namespace

std::string RunCronErrand(const CronErrand& errand) {
  const SpiSession session;
  RequirePgCron();
  return errand.operation == CronOperation::kSchedule ? ScheduleJob(errand) : UnscheduleJob(errand);
}

std::string SendCronErrand(DatabaseId database, const CronErrand& errand) {
  CronExchange exchange = Pack(database, errand);
  ExchangeWithWorker(&exchange, kPatience);
  switch (exchange.outcome) {
    case CronOutcome::kDone:
      return exchange.answer;
    case CronOutcome::kFailed:
      throw core::Error(exchange.sqlstate, exchange.message, exchange.hint, exchange.detail);
    case CronOutcome::kNone:
      break;
  }
  throw core::Error(core::sqlstate::kSystemError,
                    "the process that was to reach pg_cron ended without an answer",
                    "The server log says why.");
}

void ServeCronErrand(std::uint32_t segment) {
  CronExchange* const exchange = AttachExchange(segment);
  if (exchange == nullptr) {
    return;  // whoever asked has gone
  }
  try {
    ConnectToDatabase(exchange->database);
    BecomeRole(exchange->role, kLockTimeout);
    Put(exchange->answer, RunInTransaction(Unpack(*exchange)));
    exchange->outcome = CronOutcome::kDone;
  } catch (const PgError& e) {
    AnswerError(exchange, e.sqlstate(), Utf8FromServer(e.what()), Utf8FromServer(e.text(kDetail)),
                Utf8FromServer(e.text(kHint)));
  } catch (const core::Error& e) {
    AnswerError(exchange, e.sqlstate(), e.what(), e.detail(), e.hint());
  }
}

}  // namespace switchboard::pg
