#include "bgworker/child_files.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace switchboard::bgworker {
namespace {

constexpr char kFolder[] = "pg_switchboard";
// Base backups leave files of this name out: a copy of them would name processes of this machine.
constexpr char kPrefix[] = "pgsql_tmp.";
constexpr char kChildSuffix[] = ".pid";
constexpr char kSocketSuffix[] = ".sock";

[[noreturn]] void ThrowErrno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::string ReadLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The fields of /proc/<pid>/stat behind the program's name, which may contain anything.
std::vector<std::string> StatFields(pid_t pid) {
  const std::string line = ReadLine("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t end_of_name = line.rfind(')');
  std::vector<std::string> fields;
  if (end_of_name != std::string::npos) {
    std::istringstream rest(line.substr(end_of_name + 1));
    for (std::string field; rest >> field;) {
      fields.push_back(field);
    }
  }
  return fields;
}

constexpr std::size_t kStateField = 0;
constexpr std::size_t kStartTimeField = 19;

bool IsZombie(pid_t pid) {
  const std::vector<std::string> fields = StatFields(pid);
  return !fields.empty() && (fields[kStateField] == "Z" || fields[kStateField] == "X");
}

class File {
 public:
  File(const std::string& path, int flags) : path_(path), fd_(open(path.c_str(), flags, 0600)) {
    if (fd_ < 0) {
      ThrowErrno("could not open file \"" + path + "\"");
    }
  }
  ~File() { close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void Write(const std::string& text) const {
    if (write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      ThrowErrno("could not write file \"" + path_ + "\"");
    }
  }
  void Sync() const {
    if (fsync(fd_) != 0) {
      ThrowErrno("could not fsync file \"" + path_ + "\"");
    }
  }

 private:
  std::string path_;
  int fd_;
};

std::optional<ChildFiles> ParseChildFileName(const char* name) {
  unsigned database;
  int number;
  int end = 0;
  const std::string form = std::string(kPrefix) + "%u.%d" + kChildSuffix + "%n";
  if (std::sscanf(name, form.c_str(), &database, &number, &end) == 2 && end > 0 &&
      name[end] == '\0') {
    return ChildFiles(database, number);
  }
  return std::nullopt;
}

}  // namespace

std::string ProcessBirth(pid_t pid) {
  const std::vector<std::string> fields = StatFields(pid);
  if (fields.size() <= kStartTimeField) {
    return {};
  }
  return ReadLine("/proc/sys/kernel/random/boot_id") + "/" + fields[kStartTimeField];
}

bool IsAlive(const ChildIdentity& child) {
  if (kill(child.pid, 0) != 0 || IsZombie(child.pid)) {
    return false;
  }
  return child.born == ProcessBirth(child.pid);
}

ChildFiles::ChildFiles(std::uint32_t database, int number) : database_(database), number_(number) {}

std::string ChildFiles::Path(const char* suffix) const {
  return std::string(kFolder) + "/" + kPrefix + std::to_string(database_) + "." +
         std::to_string(number_) + suffix;
}

std::string ChildFiles::SocketPath() const { return Path(kSocketSuffix); }

std::optional<ChildIdentity> ChildFiles::ReadChild() const {
  std::ifstream file(Path(kChildSuffix));
  ChildIdentity child{0, {}, {}};
  std::string pid;
  std::getline(file, pid);
  std::getline(file, child.born);
  std::getline(file, child.key);
  child.pid = static_cast<pid_t>(std::atol(pid.c_str()));
  return child.pid > 1 && !child.key.empty() ? std::optional(child) : std::nullopt;
}

void ChildFiles::WriteChild(const ChildIdentity& child) const {
  const std::string path = Path(kChildSuffix);
  const std::string aside = path + ".new";
  {
    const File file(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
    file.Write(std::to_string(child.pid) + "\n" + child.born + "\n" + child.key + "\n");
    file.Sync();
  }
  if (rename(aside.c_str(), path.c_str()) != 0) {
    ThrowErrno("could not rename file \"" + aside + "\"");
  }
  File(kFolder, O_RDONLY | O_DIRECTORY | O_CLOEXEC).Sync();
}

void ChildFiles::RemoveChild() const noexcept { unlink(Path(kChildSuffix).c_str()); }

void ChildFiles::EndChild() const {
  const std::optional<ChildIdentity> child = ReadChild();
  if (child && IsAlive(*child)) {
    kill(child->pid, SIGTERM);
  }
  RemoveChild();
}

void MakeChildFolder() {
  if (mkdir(kFolder, 0700) != 0 && errno != EEXIST) {
    ThrowErrno(std::string("could not create directory \"") + kFolder + "\"");
  }
}

std::vector<ChildFiles> ListChildFiles() {
  std::vector<ChildFiles> found;
  DIR* const folder = opendir(kFolder);
  if (folder == nullptr) {
    return found;
  }
  while (const dirent* const entry = readdir(folder)) {
    if (const auto files = ParseChildFileName(entry->d_name)) {
      found.push_back(*files);
    }
  }
  closedir(folder);
  return found;
}

}  // namespace switchboard::bgworker
