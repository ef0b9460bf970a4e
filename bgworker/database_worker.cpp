#include "bgworker/database_worker.hpp"

#include <algorithm>
#include <csignal>
#include <exception>

#include "extension/pg/error.hpp"
#include "extension/pg/settings.hpp"
#include "extension/pg/worker_process.hpp"
#include "extension/pg/worker_slots.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"

namespace switchboard::bgworker {
namespace {

using namespace std::chrono_literals;
using core::FrameOp;

constexpr auto kFreeAgainAfter = 500ms;
constexpr auto kStatisticsDelay = 1s;
// What a child is granted when there is nowhere to record its results.
constexpr auto kHopelessGrace = 1s;
// A child that was told to stop gets this much longer than the grace it was told.
constexpr auto kKillSlack = 1s;
constexpr auto kShortestStatementLimit = 1s;
constexpr std::size_t kMaxLogBytes = 4000;

// SQLSTATEs of a function, table, schema or type that is not there.
bool MayMeanNoExtension(const std::string& sqlstate) {
  return sqlstate == "42883" || sqlstate == "42P01" || sqlstate == "3F000" || sqlstate == "42704";
}

std::vector<std::string> ChildCommand(const ChildFiles& files, const std::string& key) {
  std::string program = pg::settings::WorkerPath();
  if (program.empty()) {
    program = pg::ProgramFolder() + "/switchboard-worker";
  }
  std::vector<std::string> command = {program, "--store", "unix:" + files.SocketPath(), "--worker",
                                      key};
  if (const std::string folder = pg::settings::SecretsDir(); !folder.empty()) {
    command.insert(command.end(), {"--secrets-dir", folder});
  }
  if (const std::string file = pg::settings::KeyFile(); !file.empty()) {
    command.insert(command.end(), {"--key-file", file});
  }
  return command;
}

std::chrono::milliseconds LongestStatement() {
  return std::max<std::chrono::milliseconds>(pg::settings::DrainTimeout(), kShortestStatementLimit);
}

void SetEarliest(std::optional<SteadyTime>& earliest, std::optional<SteadyTime> time) {
  if (time && (!earliest || *time < *earliest)) {
    earliest = time;
  }
}

}  // namespace

DatabaseWorker::DatabaseWorker(const pg::WorkerAssignment& assignment)
    : files_(assignment.database, assignment.number),
      link_(files_.SocketPath()),
      child_(files_, [this](const std::string& key) { return ChildCommand(files_, key); }),
      command_in_use_(ChildCommand(files_, {})),
      request_delay_(10ms, 1s) {
  store_.LimitStatements(LongestStatement());
}

void DatabaseWorker::Run() {
  child_.FindChild();
  while (!Finished()) {
    pg::StartRound();
    HandleSignals();
    HandleReload();
    if (detached_) {
      return;
    }
    child_.Advance(std::chrono::steady_clock::now());
    if (link_.connected() && child_.state() != ChildState::kServed) {
      CloseLink();
    }
    AnnounceEvents();
    FreeOwedClaims();
    FreeClaimsOfOrphans();
    ServeConnection(pg::WaitForWork(link_.fd(), Interest(), TimeToWait()));
  }
}

bool DatabaseWorker::Finished() const {
  if (!child_.retired() || child_.state() != ChildState::kNone) {
    return false;
  }
  return child_.debts().empty() || std::chrono::steady_clock::now() >= *give_up_at_;
}

void DatabaseWorker::HandleSignals() {
  const std::uint32_t signals = pg::TakeWorkerSignals();
  if ((signals & pg::kSignalDetach) != 0) {
    pg::SetWorkerExit(pg::WorkerExit::kDetached);
    detached_ = true;
    return;
  }
  if (pg::ShutdownRequested() || (signals & pg::kSignalDrain) != 0) {
    Drain(pg::WorkerExit::kDrained, pg::settings::DrainTimeout());
  }
  if ((signals & pg::kSignalRecheck) != 0) {
    LookForExtension();
  }
  if ((signals & pg::kSignalPeerGone) != 0) {
    orphans_ = true;
  }
  if ((signals & pg::kSignalWake) != 0 && link_.connected()) {
    link_.Send(FrameOp::kWake, R"({"since":null})");
  }
}

void DatabaseWorker::HandleReload() {
  if (!pg::ReloadedSettings()) {
    return;
  }
  store_.LimitStatements(LongestStatement());
  const std::vector<std::string> command = ChildCommand(files_, {});
  if (command != command_in_use_) {
    // What it was started with has changed. It finishes what it does; the next one knows better.
    command_in_use_ = command;
    child_.Replace(TellChildToStop(pg::settings::DrainTimeout()));
  } else if (link_.connected()) {
    try {
      link_.Send(FrameOp::kSettings, store_.Settings());
    } catch (const pg::PgError& e) {
      pg::Log(pg::LogLevel::kWarning, std::string("could not tell settings: ") + e.what());
    }
  }
}

void DatabaseWorker::LookForExtension() {
  if (!pg::ExtensionExists()) {
    Drain(pg::WorkerExit::kNoExtension, kHopelessGrace);
  }
}

void DatabaseWorker::Drain(pg::WorkerExit reason, std::chrono::milliseconds grace) {
  if (child_.retired()) {
    return;
  }
  pg::SetWorkerExit(reason);
  const SteadyTime kill_at = TellChildToStop(grace);
  give_up_at_ = kill_at + kKillSlack;
  child_.Retire(kill_at);
}

SteadyTime DatabaseWorker::TellChildToStop(std::chrono::milliseconds grace) {
  if (link_.connected()) {
    link_.Send(FrameOp::kStop, "{\"grace_ms\":" + std::to_string(grace.count()) + "}");
  }
  return std::chrono::steady_clock::now() + grace + kKillSlack;
}

void DatabaseWorker::AnnounceEvents() {
  try {
    bell_.Work(store_, std::chrono::steady_clock::now());
  } catch (const pg::PgError& e) {
    if (MayMeanNoExtension(e.sqlstate())) {
      bell_.Disable();
      return LookForExtension();
    }
    if (!bell_.failed_before()) {
      pg::Log(pg::LogLevel::kWarning, std::string("could not announce events: ") + e.what());
    }
  }
}

// Without the extension there are no claims. Otherwise the debt stays until it is paid, also in the
// next life: the child's file is removed last.
void DatabaseWorker::FreeOwedClaims() {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (child_.debts().empty() || (free_again_at_ && now < *free_again_at_)) {
    return;
  }
  free_again_at_.reset();
  const Debt debt = child_.debts().front();
  try {
    const std::string freed = store_.FreeClaims(debt.key);
    pg::Log(pg::LogLevel::kDebug, "claims of worker " + debt.key + " freed: " + freed);
    child_.Paid(debt);
  } catch (const pg::PgError& e) {
    if (MayMeanNoExtension(e.sqlstate()) && !pg::ExtensionExists()) {
      child_.Paid(debt);
      return Drain(pg::WorkerExit::kNoExtension, kHopelessGrace);
    }
    pg::Log(pg::LogLevel::kWarning, std::string("could not free claims: ") + e.what());
    free_again_at_ = now + kFreeAgainAfter;
  }
}

// Children of workers that are not there: a worker that left without a word, or one more than
// the setting asks for after a restart.
void DatabaseWorker::FreeClaimsOfOrphans() {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (!orphans_ || child_.retired() || (free_again_at_ && now < *free_again_at_)) {
    return;
  }
  orphans_ = false;
  for (const ChildFiles& other : ListChildFiles()) {
    if (other.database() != files_.database() || other.number() == files_.number() ||
        pg::SlotNumberIsTaken(other.number())) {
      continue;
    }
    const std::optional<ChildIdentity> orphan = other.ReadChild();
    if (orphan && IsAlive(*orphan)) {
      orphans_ = true;
      free_again_at_ = now + kFreeAgainAfter;
    } else if (orphan) {
      child_.Owe(orphan->key, other);
    } else {
      other.RemoveChild();
    }
  }
}

unsigned DatabaseWorker::Interest() const {
  if (!link_.connected()) {
    return pg::kReadable;
  }
  const unsigned read = link_.wants_to_read() && !deaf_until_ ? pg::kReadable : 0u;
  return read | (link_.wants_to_write() ? pg::kWritable : 0u);
}

std::chrono::milliseconds DatabaseWorker::TimeToWait() {
  if (Finished()) {
    return 0ms;
  }
  const SteadyTime now = std::chrono::steady_clock::now();
  if (statistics_due_at_ && now >= *statistics_due_at_) {
    pg::ReportStatistics(true);
    statistics_due_at_.reset();
  }
  std::optional<SteadyTime> until = child_.NextTime();
  SetEarliest(until, deaf_until_);
  SetEarliest(until, statistics_due_at_);
  SetEarliest(until, bell_.NextTime());
  if (child_.state() == ChildState::kNone) {
    SetEarliest(until, give_up_at_);
  }
  if ((orphans_ && !child_.retired()) || !child_.debts().empty()) {
    SetEarliest(until, free_again_at_ ? *free_again_at_ : now);
  }
  if (!until) {
    return std::chrono::milliseconds(-1);
  }
  return std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(*until - now));
}

void DatabaseWorker::ServeConnection(unsigned ready) {
  if (!link_.connected()) {
    if ((ready & pg::kReadable) != 0 && link_.Accept(child_.expected_pid())) {
      child_.Connected();
      if (child_.retired()) {
        link_.Send(FrameOp::kStop, "{\"grace_ms\":0}");
      }
    }
    return;
  }
  if ((ready & pg::kWritable) != 0) {
    link_.Flush();
  }
  const bool open = (ready & pg::kReadable) == 0 || link_.Receive();
  ServeFrames();
  if (!open && link_.connected()) {
    CloseLink();
    child_.ConnectionClosed(std::chrono::steady_clock::now());
  }
}

void DatabaseWorker::CloseLink() {
  link_.Close();
  deaf_until_.reset();
}

// A round may be left in the middle: after failures the rest waits, buffered.
void DatabaseWorker::ServeFrames() {
  if (deaf_until_ && std::chrono::steady_clock::now() < *deaf_until_) {
    return;
  }
  deaf_until_.reset();
  try {
    while (!deaf_until_) {
      const std::optional<core::Frame> frame = link_.Next();
      if (!frame) {
        break;
      }
      ServeFrame(*frame);
    }
  } catch (const core::FrameError& e) {
    CloseLink();
    child_.Condemn(std::string("breaks the protocol (") + e.what() + ")");
  }
}

void DatabaseWorker::ServeFrame(const core::Frame& frame) {
  if (frame.op == FrameOp::kLog) {
    return LogForChild(frame.body);
  }
  ServeRequest(frame);
  pg::StartRound();
  if (!pg::ReportStatistics(false) && !statistics_due_at_) {
    statistics_due_at_ = std::chrono::steady_clock::now() + kStatisticsDelay;
  }
}

void DatabaseWorker::ServeRequest(const core::Frame& frame) {
  try {
    link_.Send(FrameOp::kReply, store_.Serve(frame.op, frame.body));
    request_delay_.Reset();
  } catch (const pg::PgError& e) {
    RequestFailed(e.sqlstate(), e.what());
  } catch (const core::Error& e) {
    RequestFailed(e.sqlstate(), e.what());
  }
}

// The first of a row of failures is logged. Each is followed by a pause that grows, so that whoever
// asks in a loop does not keep the server busy with failing.
void DatabaseWorker::RequestFailed(const std::string& sqlstate, const std::string& message) {
  link_.Send(FrameOp::kFailure, "{\"sqlstate\":" + core::JsonQuote(sqlstate) +
                                    ",\"message\":" + core::JsonQuote(message) + "}");
  if (MayMeanNoExtension(sqlstate)) {
    LookForExtension();
  }
  if (request_delay_.failures() == 0 && !child_.retired()) {
    pg::Log(pg::LogLevel::kWarning, "request of worker child failed: " + message);
  }
  deaf_until_ = std::chrono::steady_clock::now() + request_delay_.Next();
}

void DatabaseWorker::LogForChild(std::string_view body) const {
  const std::optional<core::Json> record = core::TryParseJson(body);
  if (!record) {
    return;
  }
  const std::string_view level = core::FindString(*record, "level").value_or("info");
  const std::string message(
      core::FindString(*record, "message").value_or("").substr(0, kMaxLogBytes));
  pg::Log(level == "debug" ? pg::LogLevel::kDebug : pg::LogLevel::kInfo,
          "switchboard-worker[" + std::to_string(child_.pid()) + "]: " + message);
}

}  // namespace switchboard::bgworker
