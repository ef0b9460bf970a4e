#pragma once
// The rule in the last line of a compiled time zone, such as "EST5EDT,M3.2.0,M11.1.0": how clocks
// change every year from its last listed change on.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace switchboard::core {

class PosixRule {
 public:
  struct Stretch {
    std::int64_t end;     // unix seconds, exclusive
    std::int64_t offset;  // local time minus UTC, seconds
  };

  // Nothing when the text is malformed or has no clock changes.
  static std::optional<PosixRule> Parse(std::string_view text);

  Stretch At(std::int64_t unix_seconds) const;

  // EST, EDT or, where there are no letters, +0330.
  const std::string& NameAt(std::int64_t unix_seconds) const;

 private:
  enum class Kind { kMonthWeekDay, kDayWithoutLeap, kDayOfYear };

  // A day of every year, and the wall time at which clocks change on it.
  struct Change {
    Kind kind = Kind::kMonthWeekDay;
    int month = 1;
    int week = 1;
    int day = 0;
    std::int64_t time = 2 * 3600;

    std::int64_t LocalSeconds(int year) const;
  };

  class Reader;

  std::string standard_name_;
  std::string summer_name_;
  std::int64_t standard_offset_ = 0;
  std::int64_t summer_offset_ = 0;
  Change to_summer_;
  Change to_standard_;
};

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
