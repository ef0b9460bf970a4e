#pragma once
// The setting switchboard.databases.

#include <string>
#include <string_view>
#include <vector>

namespace switchboard::bgworker {

// "*" or names separated by commas, as in pg_hba.conf: spelled as they are, in double quotes when
// they contain a comma, a space or a quote (doubled then).
class DatabaseList {
 public:
  explicit DatabaseList(std::string_view setting);

  bool Contains(std::string_view database) const;
  const std::vector<std::string>& names() const { return names_; }  // empty for "*"

 private:
  bool all_ = false;
  std::vector<std::string> names_;
};

}  // namespace switchboard::bgworker
