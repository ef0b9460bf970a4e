#pragma once
// Keeps one child process: finds it again or starts it, notices its end, ends it when it hangs.
// The table of child_states.hpp says what may follow what; this carries it out.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bgworker/child_files.hpp"
#include "bgworker/child_process.hpp"
#include "bgworker/child_states.hpp"
#include "bgworker/retry_delay.hpp"

namespace switchboard::bgworker {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Debt {
  std::string key;
  ChildFiles files;
};

class Supervisor {
 public:
  // `command` gives the program and its arguments for a child of that key.
  using Command = std::function<std::vector<std::string>(const std::string& key)>;

  Supervisor(ChildFiles files, Command command);

  ChildState state() const { return state_; }
  // Of the process that is or was last there.
  pid_t pid() const { return child_ ? child_->identity().pid : 0; }
  // Whose connection may be taken now; 0: nobody's.
  pid_t expected_pid() const;

  // A child of an earlier life: awaited when it lives, otherwise its claims are owed.
  void FindChild();
  // What is due: starts, looks whether the process still lives, kills what is late.
  void Advance(SteadyTime now);
  // When Advance has something to do by itself, if ever.
  std::optional<SteadyTime> NextTime() const;

  void Connected();
  void ConnectionClosed(SteadyTime now);

  // Kills the child, saying why.
  void Condemn(const std::string& why);

  // Start no more children. The one that runs is killed when the grace is over.
  void Retire(SteadyTime kill_at);
  // The child was told to stop and another one is to take its place.
  void Replace(SteadyTime kill_at);
  bool retired() const { return retired_; }

  // Dead children whose claims are to be freed. No child is started while there are any. A debt
  // outlives this process: its file is removed when it is paid.
  const std::vector<Debt>& debts() const { return debts_; }
  void Owe(const std::string& key, const ChildFiles& files);
  void Paid(const Debt& debt);

 private:
  void Apply(ChildEvent event) { state_ = kChildTable.Next(state_, event); }
  void Start(SteadyTime now);
  void CheckProcess(SteadyTime now);
  void AskToStop(SteadyTime kill_at);
  void Ended(const std::string& how, SteadyTime now);

  ChildFiles files_;
  Command command_;
  ChildState state_ = ChildState::kNone;
  std::optional<ChildProcess> child_;
  SteadyTime started_at_{};
  SteadyTime start_at_{};
  std::optional<SteadyTime> connect_by_;
  std::optional<SteadyTime> kill_at_;
  RetryDelay delay_;
  bool retired_ = false;
  bool replaced_ = false;
  std::vector<Debt> debts_;
};

}  // namespace switchboard::bgworker
