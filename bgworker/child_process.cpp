#include "bgworker/child_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace switchboard::bgworker {
namespace {

void Check(int error, const std::string& what) {
  if (error != 0) {
    throw std::system_error(error, std::generic_category(), what);
  }
}

// What the child inherits. Of the server's descriptors none: not even those that a library opened
// without close-on-exec.
class FileActions {
 public:
  FileActions() {
    Check(posix_spawn_file_actions_init(&actions_), "could not prepare a process");
    Check(posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0),
          "could not prepare a process");
    Check(posix_spawn_file_actions_adddup2(&actions_, STDERR_FILENO, STDOUT_FILENO),
          "could not prepare a process");
    CloseTheRest();
  }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  void CloseTheRest() {
    DIR* const open_files = opendir("/proc/self/fd");
    if (open_files == nullptr) {
      return CloseUpTo(sysconf(_SC_OPEN_MAX));
    }
    while (const dirent* const entry = readdir(open_files)) {
      if (const int fd = std::atoi(entry->d_name); fd > STDERR_FILENO) {
        posix_spawn_file_actions_addclose(&actions_, fd);
      }
    }
    closedir(open_files);
  }
  void CloseUpTo(long limit) {
    for (int fd = STDERR_FILENO + 1; fd < limit; ++fd) {
      posix_spawn_file_actions_addclose(&actions_, fd);
    }
  }

  posix_spawn_file_actions_t actions_;
};

// All signals back to their defaults and let in. A group of its own: the server signals whole
// groups, for a statement timeout as well as for a crash.
class Attributes {
 public:
  Attributes() {
    Check(posix_spawnattr_init(&attributes_), "could not prepare a process");
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

std::string Describe(int status) {
  if (WIFSIGNALED(status)) {
    return "was terminated by signal " + std::to_string(WTERMSIG(status)) + ": " +
           strsignal(WTERMSIG(status));
  }
  return "exited with code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

ChildProcess ChildProcess::Start(const std::vector<std::string>& command, const std::string& key) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const FileActions actions;
  const Attributes attributes;
  pid_t pid;
  Check(posix_spawn(&pid, arguments[0], actions.get(), attributes.get(), arguments.data(), environ),
        "could not start \"" + command[0] + "\"");
  return ChildProcess({pid, ProcessBirth(pid), key}, true);
}

std::optional<std::string> ChildProcess::HowItEnded() {
  if (end_) {
    return end_;
  }
  if (is_mine_) {
    int status;
    const pid_t reaped = waitpid(identity_.pid, &status, WNOHANG);
    if (reaped == identity_.pid) {
      end_ = Describe(status);
    } else if (reaped < 0 && errno == ECHILD) {
      end_ = "is gone";
    }
  } else if (!IsAlive(identity_)) {
    end_ = "is gone";
  }
  return end_;
}

void ChildProcess::Signal(int signal) const noexcept {
  if (!end_) {
    kill(identity_.pid, signal);
  }
}

}  // namespace switchboard::bgworker
