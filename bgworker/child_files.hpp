#pragma once
// The private folder in the data directory where children and background workers meet: a socket per
// worker, and a file that names its child, so that a worker which starts again finds it.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace switchboard::bgworker {

// A process, told apart from another one that got its pid later.
struct ChildIdentity {
  pid_t pid;
  std::string born;  // boot and tick of its start; empty where the system does not tell
  std::string key;   // by which its claims are known
};

std::string ProcessBirth(pid_t pid);
bool IsAlive(const ChildIdentity& child);

// Names the files of worker `number` of a database. Paths are relative: a socket's path may have
// 107 bytes, a data directory's any number.
class ChildFiles {
 public:
  ChildFiles(std::uint32_t database, int number);

  std::uint32_t database() const { return database_; }
  int number() const { return number_; }
  std::string SocketPath() const;

  // Nothing when there is no file, or one that makes no sense.
  std::optional<ChildIdentity> ReadChild() const;
  // Durable when it returns.
  void WriteChild(const ChildIdentity& child) const;
  void RemoveChild() const noexcept;
  // Asks the process to end, if it lives, and forgets it.
  void EndChild() const;

 private:
  std::string Path(const char* suffix) const;

  std::uint32_t database_;
  int number_;
};

// Makes the folder if there is none, for this user only.
void MakeChildFolder();
// Those that have a child's file, of all databases.
std::vector<ChildFiles> ListChildFiles();

}  // namespace switchboard::bgworker
