#pragma once
// Cron expressions: when something is to be done again and again, by the wall clock of a time zone.

#include <cstdint>
#include <optional>
#include <string_view>

#include "workers/core/calling_hours.hpp"
#include "workers/core/local_zone.hpp"

namespace switchboard::core {

// A parsed cron expression; immutable, cheap to copy. Next() costs a few microseconds.
//
//   minute (0-59)  hour (0-23)  day of month (1-31)  month (1-12, jan-dec)
//   day of week (0-7, sun-sat; 0 and 7 are Sunday)
//
// A field is * or a list of values and ranges (1,15 or mon-fri); * and ranges may have a step
// (*/10, 9-17/2). Names are three letters in any case. When both days are given, one of them is
// enough; a field that begins with * counts as not given, whatever its step. @hourly, @daily,
// @midnight, @weekly, @monthly, @yearly and @annually stand for whole expressions.
//
// Where clocks change: a time that is skipped counts as the first instant after the gap, one that
// comes twice counts the first time. Expressions whose hour begins with * mean "every so often":
// nothing is made up for after a gap, and what comes twice is done twice.
class CronSchedule {
 public:
  // Throws 22023 naming the bad part for anything malformed, and for what never comes
  // (30 February).
  static CronSchedule Parse(std::string_view text);

  // The first instant after `after`, not including it, by the wall clock of `timezone` (an IANA
  // name, else 22023); nothing at the end of time.
  std::optional<Instant> Next(Instant after, std::string_view timezone) const;

 private:
  // A time of constant offset. `passed` is the latest local time that the clocks had shown before
  // it: later than its beginning where they were set back, earlier where they were set forward.
  struct Stretch {
    UnixSeconds begin = 0;
    UnixSeconds end = 0;
    std::int64_t offset = 0;
    std::optional<UnixSeconds> passed;
  };

  CronSchedule() = default;
  bool MatchesDay(std::int64_t day) const;
  std::optional<std::int64_t> NextMinuteOfDay(std::int64_t minute) const;
  std::optional<std::int64_t> NextWallMinute(std::int64_t minute) const;
  std::optional<UnixSeconds> FirstIn(const Stretch& stretch, UnixSeconds past) const;
  bool NeverComes() const;

  // Bit n: the value n is in the field.
  std::uint64_t minutes_ = 0;
  std::uint64_t hours_ = 0;
  std::uint64_t days_ = 0;
  std::uint64_t months_ = 0;
  std::uint64_t weekdays_ = 0;
  bool any_hour_ = false;
  bool any_day_ = false;
  bool any_weekday_ = false;
};

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
