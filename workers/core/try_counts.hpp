#pragma once
// How the tries of a person on a list ended: a count per outcome, kept as JSON in the person's row.

#include <map>
#include <string>
#include <string_view>

namespace switchboard::core {

class TryCounts {
 public:
  // {"busy":2,"no-answer":1}. What is no positive count is passed over: the row is no place to
  // fail.
  static TryCounts Parse(std::string_view json);

  void Add(std::string_view outcome);
  void Remove(std::string_view outcome);

  int WithOtherOutcomes(std::string_view outcome) const;
  std::string ToJson() const;

 private:
  std::map<std::string, int, std::less<>> counts_;
};

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
