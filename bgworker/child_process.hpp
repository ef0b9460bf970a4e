#pragma once
// The worker program as a child process: started apart from the server, found again after a crash,
// watched, told to end.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bgworker/child_files.hpp"

namespace switchboard::bgworker {

class ChildProcess {
 public:
  // A process of its own group, without the server's signals and descriptors; its stderr is the
  // server's. Throws std::system_error naming the program.
  static ChildProcess Start(const std::vector<std::string>& command, const std::string& key);

  // One that an earlier background worker started: not ours to reap.
  explicit ChildProcess(ChildIdentity found) : identity_(std::move(found)), is_mine_(false) {}

  const ChildIdentity& identity() const { return identity_; }

  // How it ended, in words ("exited with code 1"); nothing while it lives. Reaps it.
  std::optional<std::string> HowItEnded();

  void Signal(int signal) const noexcept;

 private:
  ChildProcess(ChildIdentity identity, bool is_mine)
      : identity_(std::move(identity)), is_mine_(is_mine) {}

  ChildIdentity identity_;
  bool is_mine_;
  std::optional<std::string> end_;
};

}  // namespace switchboard::bgworker
