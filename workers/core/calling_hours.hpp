#pragma once
// Calling windows: when a person in some time zone may be called.

#include <bitset>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace switchboard::core {

// UTC, microseconds: what a timestamptz holds.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

// A parsed `active_hours`; immutable, cheap to copy. Parse once, ask often: Next() costs well under
// a microsecond in the common case.
//
//   {"start":"09:00","end":"17:00"}                        every day
//   {"mon":[["09:00","12:00"],["13:00","17:00"]], …}       per weekday
//   optional in both: "days":["mon",…]                     the days on which a window may start
//                     "holidays":["2026-12-25",…]          no window starts then
//
// Times are HH:MM of the wall clock. `end` is exclusive and may be "24:00"; an end
// before its start runs past midnight and belongs to the day it started on. Windows may overlap. A
// wall time that a clock change skips counts as the first instant after it; one that occurs twice
// is inside both times.
class CallingHours {
 public:
  // Throws 22023 naming the value for anything malformed, unknown keys and equal start and end
  // included.
  static CallingHours Parse(std::string_view json);

  // No restriction at all: Next(t) is t.
  static CallingHours Always();

  // The earliest instant not before `after` inside a window, by the wall clock of `timezone` (an
  // IANA name, matched without regard to case, else 22023); nothing if there is none within 366
  // days. An `after` inside a window is its own answer.
  std::optional<Instant> Next(Instant after, std::string_view timezone) const;

  // Whether every minute of the wall clock inside these hours is inside `outer` too. Takes up to a
  // few milliseconds: for checking rules, not for dialing.
  bool Within(const CallingHours& outer) const;

  // The hours of a week, from Monday 00:00, of which every minute is inside; holidays apart.
  std::bitset<168> OpenHours() const;

 private:
  struct Plan;
  explicit CallingHours(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}
  // Shared because copies are handed out by caches while a copy is still in use; never modified.
  std::shared_ptr<const Plan> plan_;
};

// Whether `name` is a zone that Next() accepts.
bool TimezoneExists(std::string_view name);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
