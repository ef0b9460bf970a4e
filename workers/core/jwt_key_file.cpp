#include "workers/core/jwt_key_file.hpp"

#include <ctime>

#include "workers/core/secret_box.hpp"

namespace switchboard::core {

namespace {

bool SameTime(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

// Two changes within one tick of the file system's clock, of which some count seconds, look like
// one: a file is only believed to be the same if its last change was a while ago when it was read.
bool HasSettled(const struct stat& status) {
  return status.st_ctim.tv_sec + 3 < std::time(nullptr);
}

}  // namespace

bool JwtKeyFile::IsCurrent(const std::string& path, const struct stat& status) const {
  return keys_ && settled_ && path == path_ && status.st_dev == status_.st_dev &&
         status.st_ino == status_.st_ino && status.st_size == status_.st_size &&
         SameTime(status.st_mtim, status_.st_mtim) && SameTime(status.st_ctim, status_.st_ctim);
}

const JwtKeys& JwtKeyFile::Get(const std::string& name, const std::string& secrets_dir) {
  const std::string path = secrets_dir + "/" + name;
  struct stat status {};
  const bool there = stat(path.c_str(), &status) == 0;
  if (there && IsCurrent(path, status)) return *keys_;
  // The status is from before reading: a change in between shows next time.
  keys_.reset();
  settled_ = there && HasSettled(status);
  keys_ = JwtKeys::Parse(ResolveSecret("file:" + name, {secrets_dir, {}}));
  path_ = path;
  status_ = status;
  return *keys_;
}

}  // namespace switchboard::core
