#include "bgworker/database_list.hpp"

#include <algorithm>
#include <cstddef>

namespace switchboard::bgworker {
namespace {

std::string_view Trimmed(std::string_view text) {
  const char* const kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// The length of the first item: up to a comma that is not inside quotes.
std::size_t ItemLength(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ',' && !quoted) {
      return i;
    }
  }
  return text.size();
}

std::string Unquoted(std::string_view item) {
  if (item.size() < 2 || item.front() != '"' || item.back() != '"') {
    return std::string(item);
  }
  std::string name;
  for (std::size_t i = 1; i + 1 < item.size(); ++i) {
    name += item[i];
    if (item[i] == '"' && item[i + 1] == '"' && i + 2 < item.size()) {
      ++i;
    }
  }
  return name;
}

}  // namespace

DatabaseList::DatabaseList(std::string_view setting) {
  while (!setting.empty()) {
    const std::size_t length = ItemLength(setting);
    const std::string_view item = Trimmed(setting.substr(0, length));
    if (item == "*") {
      all_ = true;
    } else if (!item.empty()) {
      names_.push_back(Unquoted(item));
    }
    setting.remove_prefix(std::min(length + 1, setting.size()));
  }
  if (all_) {
    names_.clear();
  }
}

bool DatabaseList::Contains(std::string_view database) const {
  return all_ || std::find(names_.begin(), names_.end(), database) != names_.end();
}

}  // namespace switchboard::bgworker
