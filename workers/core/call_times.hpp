#pragma once
// When people answer the phone, learned from earlier attempts. docs/call-times.md derives it all.
//
// A week has 168 hours by the wall clock of the person called; hour 0 is Monday from 00:00 to
// 01:00. A rate is the share of attempts in an hour that reach a human.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace switchboard::core {

inline constexpr std::size_t kHoursOfWeek = 168;

// Rates of segments of people, one week after the other, and last those of everybody.
//
// tried and reached: attempts and how many of them reached a human, by segment and hour of the
// week. usual_hours: hours of the day (0 to 23) that are taken to be a little better until attempts
// say otherwise. Throws 22023 when sizes or numbers do not fit.
std::vector<double> CallTimeRates(std::span<const std::int64_t> tried,
                                  std::span<const std::int64_t> reached,
                                  std::span<const std::int64_t> usual_hours);

// The rates of one person: those of similar people and the person's own attempts, newest first: n
// for one in hour n-1 of the week, -n when it reached nobody. A rate of 0 stays 0. Throws 22023 for
// an attempt in no hour of a week, and when there is not one week of rates.
std::vector<double> PersonalRates(std::span<const double> rates,
                                  std::span<const std::int64_t> attempts);

// Where the best two hours in a row begin, on the first day from now on where they are not over
// yet. A rate of 0 is an hour in which nobody is called; a day that has no two in a row offers one.
// None when the week offers no hour. Throws 22023 when `now` is no hour of the week, and when there
// is not one week of rates.
std::optional<int> BestCallWindow(std::span<const double> rates, int now);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
