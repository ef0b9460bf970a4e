#include "bgworker/supervisor.hpp"

#include <algorithm>
#include <csignal>
#include <system_error>
#include <utility>

#include "extension/pg/worker_process.hpp"

namespace switchboard::bgworker {
namespace {

using namespace std::chrono_literals;

// How often a process without a connection is looked at. Its end is not signalled to us when it is
// the child of an earlier life.
constexpr auto kLookInterval = 10ms;
// A child reconnects within a fraction of a second; a new one has libraries to load.
constexpr auto kStartTime = 15s;
constexpr auto kReconnectTime = 5s;
// One that lived so long was not broken from the start: the next one starts at once.
constexpr auto kHealthyLife = 1s;
constexpr auto kFirstDelay = 100ms;
constexpr auto kLongestDelay = 60s;

// Unique among all workers of the database for good: never taken over by another process.
std::string MakeKey(const ChildFiles& files) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  return std::to_string(files.database()) + "." + std::to_string(files.number()) + "." +
         std::to_string(us);
}

}  // namespace

Supervisor::Supervisor(ChildFiles files, Command command)
    : files_(std::move(files)), command_(std::move(command)), delay_(kFirstDelay, kLongestDelay) {}

void Supervisor::FindChild() {
  const std::optional<ChildIdentity> known = files_.ReadChild();
  if (!known) {
    return;
  }
  if (!IsAlive(*known)) {
    return Owe(known->key, files_);
  }
  pg::Log(pg::LogLevel::kInfo,
          "worker child with PID " + std::to_string(known->pid) + " is still running, awaiting it");
  child_.emplace(*known);
  connect_by_ = std::chrono::steady_clock::now() + kReconnectTime;
  Apply(ChildEvent::kStarted);
}

pid_t Supervisor::expected_pid() const {
  return state_ == ChildState::kAwaited || state_ == ChildState::kLost ? pid() : 0;
}

void Supervisor::Connected() {
  connect_by_.reset();
  Apply(ChildEvent::kConnected);
}

void Supervisor::Advance(SteadyTime now) {
  if (state_ == ChildState::kNone) {
    if (!retired_ && debts_.empty() && now >= start_at_) {
      Start(now);
    }
    return;
  }
  if (state_ != ChildState::kServed) {
    CheckProcess(now);
  }
  const bool late = (connect_by_ && now >= *connect_by_) || (kill_at_ && now >= *kill_at_);
  if (late && state_ != ChildState::kNone && state_ != ChildState::kCondemned) {
    Condemn(kill_at_ ? "did not end in time" : "does not connect");
  }
}

std::optional<SteadyTime> Supervisor::NextTime() const {
  switch (state_) {
    case ChildState::kNone:
      return retired_ || !debts_.empty() ? std::nullopt : std::optional(start_at_);
    case ChildState::kServed:
      return kill_at_;
    default:
      return std::chrono::steady_clock::now() + kLookInterval;
  }
}

void Supervisor::Start(SteadyTime now) {
  const std::string key = MakeKey(files_);
  try {
    child_.emplace(ChildProcess::Start(command_(key), key));
  } catch (const std::system_error& e) {
    start_at_ = now + delay_.Next();
    if (delay_.failures() == 1) {
      pg::Log(pg::LogLevel::kWarning, std::string("could not start a worker child: ") + e.what(),
              "Install switchboard-worker, or set \"switchboard.worker_path\".");
    }
    return Apply(ChildEvent::kStartFailed);
  }
  files_.WriteChild(child_->identity());
  started_at_ = now;
  connect_by_ = now + kStartTime;
  Apply(ChildEvent::kStarted);
}

void Supervisor::CheckProcess(SteadyTime now) {
  if (const auto how = child_->HowItEnded()) {
    Ended(*how, now);
  }
}

void Supervisor::ConnectionClosed(SteadyTime now) {
  connect_by_ = now + kReconnectTime;
  Apply(ChildEvent::kClosed);
  CheckProcess(now);
}

void Supervisor::Condemn(const std::string& why) {
  pg::Log(pg::LogLevel::kWarning,
          "worker child with PID " + std::to_string(pid()) + " " + why + ", killing it");
  child_->Signal(SIGKILL);
  Apply(ChildEvent::kGivenUp);
}

void Supervisor::Ended(const std::string& how, SteadyTime now) {
  const bool expected = retired_ || replaced_;
  pg::Log(expected ? pg::LogLevel::kDebug : pg::LogLevel::kInfo,
          "worker child with PID " + std::to_string(pid()) + " " + how);
  Owe(child_->identity().key, files_);
  if (expected || now - started_at_ >= kHealthyLife) {
    delay_.Reset();
    start_at_ = now;
  } else {
    start_at_ = now + delay_.Next();
  }
  replaced_ = false;
  connect_by_.reset();
  kill_at_.reset();
  Apply(ChildEvent::kEnded);
}

// One that is connected was told by a frame. Another cannot hear us.
void Supervisor::AskToStop(SteadyTime kill_at) {
  kill_at_ = kill_at;
  if (child_ && state_ != ChildState::kServed) {
    child_->Signal(SIGTERM);
  }
}

void Supervisor::Retire(SteadyTime kill_at) {
  retired_ = true;
  AskToStop(kill_at);
}

void Supervisor::Replace(SteadyTime kill_at) {
  if (state_ != ChildState::kNone) {
    replaced_ = true;
    AskToStop(kill_at);
  }
}

void Supervisor::Owe(const std::string& key, const ChildFiles& files) {
  const bool known = std::any_of(debts_.begin(), debts_.end(),
                                 [&key](const Debt& debt) { return debt.key == key; });
  if (!known) {
    debts_.push_back({key, files});
  }
}

void Supervisor::Paid(const Debt& debt) {
  const std::string key = debt.key;
  const std::optional<ChildIdentity> known = debt.files.ReadChild();
  if (known && known->key == key) {
    debt.files.RemoveChild();
  }
  std::erase_if(debts_, [&key](const Debt& other) { return other.key == key; });
}

}  // namespace switchboard::bgworker
