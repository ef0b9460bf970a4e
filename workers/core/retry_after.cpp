#include "workers/core/retry_after.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace switchboard::core {

namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr seconds kMostSeconds{24 * 3600};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

std::string_view Trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<int> Number(std::string_view text, std::size_t min_digits, std::size_t max_digits) {
  if (text.size() < min_digits || text.size() > max_digits) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::vector<std::string_view> Split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::optional<int> MonthNumber(std::string_view name) {
  const auto at = std::find(kMonths.begin(), kMonths.end(), name);
  if (at == kMonths.end()) return std::nullopt;
  return static_cast<int>(at - kMonths.begin()) + 1;
}

bool IsDayName(std::string_view name) {
  return std::any_of(kDays.begin(), kDays.end(), [name](std::string_view day) {
    return name == day || name == day.substr(0, 3);
  });
}

std::optional<seconds> ClockTime(std::string_view text) {
  const auto parts = Split(text, ":");
  if (text.size() != 8 || parts.size() != 3) return std::nullopt;
  const auto hour = Number(parts[0], 2, 2);
  const auto minute = Number(parts[1], 2, 2);
  const auto second = Number(parts[2], 2, 2);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  return seconds{*hour * 3600 + *minute * 60 + *second};
}

struct DateText {
  std::string_view day, month, year, time;
};

// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994".
std::optional<DateText> TakeApart(std::string_view value) {
  const auto parts = Split(value, " ,-");
  if (parts.size() == 6 && parts[5] == "GMT" && IsDayName(parts[0])) {
    return DateText{parts[1], parts[2], parts[3], parts[4]};
  }
  if (parts.size() == 5 && IsDayName(parts[0])) {
    return DateText{parts[2], parts[1], parts[4], parts[3]};
  }
  return std::nullopt;
}

// Two digits mean the year of this century or the last (RFC 850 dates; nobody sends them any more).
int FullYear(int year, std::size_t digits) {
  if (digits > 2) return year;
  return year < 70 ? 2000 + year : 1900 + year;
}

bool AllDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::optional<sys_seconds> ParseHttpDate(std::string_view value) {
  const auto text = TakeApart(Trim(value));
  if (!text) return std::nullopt;
  const auto day = Number(text->day, 1, 2);
  const auto month = MonthNumber(text->month);
  const auto year = Number(text->year, 2, 4);
  const auto time = ClockTime(text->time);
  if (!day || !month || !year || !time) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{FullYear(*year, text->year.size())},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date} + *time;
}

std::optional<seconds> ParseRetryAfter(std::string_view value, sys_seconds now) {
  value = Trim(value);
  if (AllDigits(value)) {
    const auto number = Number(value, 1, 9);
    return number ? std::min(seconds{*number}, kMostSeconds) : kMostSeconds;
  }
  const auto date = ParseHttpDate(value);
  if (!date) return std::nullopt;
  return std::clamp<seconds>(*date - now, seconds{0}, kMostSeconds);
}

std::chrono::milliseconds RetryDelay(std::chrono::milliseconds own_backoff,
                                     std::optional<seconds> retry_after, Random& random) {
  if (!retry_after) return own_backoff;
  const std::chrono::milliseconds asked = std::min<std::chrono::milliseconds>(
      std::chrono::duration_cast<std::chrono::milliseconds>(*retry_after), kMaxRetryAfter);
  const auto spread = static_cast<std::uint64_t>(std::max<std::int64_t>(0, asked.count() / 10)) + 1;
  const std::chrono::milliseconds jitter{static_cast<std::int64_t>(random.Next() % spread)};
  return std::max(own_backoff, asked + jitter);
}

}  // namespace switchboard::core
