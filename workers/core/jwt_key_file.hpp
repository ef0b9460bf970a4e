#pragma once
// The keys for tokens as a file holds them, read anew when the file is another one.

#include <sys/stat.h>

#include <optional>
#include <string>

#include "workers/core/jwt.hpp"

namespace switchboard::core {

class JwtKeyFile {
 public:
  // The keys in file `name` below `secrets_dir`. Costs one stat() while nothing changes. A file
  // that is gone or wrong is an error until it is right again: old keys are not kept, for taking a
  // key away is how it is revoked. Throws SB002.
  const JwtKeys& Get(const std::string& name, const std::string& secrets_dir);

 private:
  bool IsCurrent(const std::string& path, const struct stat& status) const;

  std::string path_;
  struct stat status_ {};
  bool settled_ = false;
  std::optional<JwtKeys> keys_;
};

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
