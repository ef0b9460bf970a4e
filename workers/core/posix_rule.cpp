#include "workers/core/posix_rule.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>

namespace switchboard::core {

namespace {

constexpr std::int64_t kDay = 86400;

std::int64_t DaysTo(std::chrono::sys_days date) { return date.time_since_epoch().count(); }

std::chrono::year_month_day FirstOf(int year, int month) {
  return std::chrono::year{year} / month / 1;
}

int YearOf(std::int64_t unix_seconds) {
  const auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds{std::chrono::seconds{unix_seconds}});
  return static_cast<int>(std::chrono::year_month_day{day}.year());
}

}  // namespace

// Takes the text apart from the front; any call may fail, after which nothing more is asked.
class PosixRule::Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }

  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // EST, or <+0330>.
  bool Name(std::string* name) {
    const bool quoted = Take('<');
    const std::size_t end = quoted ? rest_.find('>') : rest_.find_first_of("+-0123456789,");
    const std::size_t length = std::min(end, rest_.size());
    if (length < 3 || (quoted && end == std::string_view::npos)) return false;
    *name = rest_.substr(0, length);
    rest_.remove_prefix(length + (quoted ? 1 : 0));
    return true;
  }

  bool AtOffset() const { return !rest_.empty() && rest_.front() != ','; }

  std::optional<int> Number(int most) {
    std::size_t digits = 0;
    int value = 0;
    while (digits < rest_.size() && digits < 3 && rest_[digits] >= '0' && rest_[digits] <= '9') {
      value = value * 10 + (rest_[digits++] - '0');
    }
    if (digits == 0 || value > most) return std::nullopt;
    rest_.remove_prefix(digits);
    return value;
  }

  // [+-]hh[:mm[:ss]] in seconds.
  std::optional<std::int64_t> Time() {
    const bool negative = Take('-');
    if (!negative) Take('+');
    std::int64_t total = 0;
    std::int64_t unit = 3600;
    do {
      const auto part = Number(unit == 3600 ? 167 : 59);
      if (!part) return std::nullopt;
      total += *part * unit;
      unit /= 60;
    } while (unit > 0 && Take(':'));
    return negative ? -total : total;
  }

  std::optional<Change> ReadChange() {
    auto change = ReadDay();
    if (!change || !Take('/')) return change;
    const auto time = Time();
    if (!time) return std::nullopt;
    change->time = *time;
    return change;
  }

 private:
  std::optional<Change> ReadDay() {
    Change change;
    if (Take('M')) return ReadMonthWeekDay();
    change.kind = Take('J') ? Kind::kDayWithoutLeap : Kind::kDayOfYear;
    const auto day = Number(365);
    if (!day || (change.kind == Kind::kDayWithoutLeap && *day == 0)) return std::nullopt;
    change.day = *day;
    return change;
  }

  std::optional<Change> ReadMonthWeekDay() {
    Change change;
    const auto month = Number(12);
    if (!month || *month == 0 || !Take('.')) return std::nullopt;
    const auto week = Number(5);
    if (!week || *week == 0 || !Take('.')) return std::nullopt;
    const auto day = Number(6);
    if (!day) return std::nullopt;
    change.month = *month;
    change.week = *week;
    change.day = *day;
    return change;
  }

  std::string_view rest_;
};

std::optional<PosixRule> PosixRule::Parse(std::string_view text) {
  Reader reader(text);
  PosixRule rule;
  if (!reader.Name(&rule.standard_name_)) return std::nullopt;
  const auto standard = reader.Time();
  if (!standard || !reader.Name(&rule.summer_name_)) return std::nullopt;
  // Offsets are written the other way round: EST5 is five hours behind UTC.
  rule.standard_offset_ = -*standard;
  rule.summer_offset_ = rule.standard_offset_ + 3600;
  if (reader.AtOffset()) {
    const auto summer = reader.Time();
    if (!summer) return std::nullopt;
    rule.summer_offset_ = -*summer;
  }
  if (!reader.Take(',')) return std::nullopt;
  const auto to_summer = reader.ReadChange();
  if (!to_summer || !reader.Take(',')) return std::nullopt;
  const auto to_standard = reader.ReadChange();
  if (!to_standard || !reader.AtEnd()) return std::nullopt;
  rule.to_summer_ = *to_summer;
  rule.to_standard_ = *to_standard;
  return rule;
}

std::int64_t PosixRule::Change::LocalSeconds(int year) const {
  std::int64_t days = DaysTo(FirstOf(year, 1));
  switch (kind) {
    case Kind::kDayOfYear:
      days += day;
      break;
    case Kind::kDayWithoutLeap:
      // Numbered as if there were no 29 February.
      days += day - 1 + (day >= 60 && std::chrono::year{year}.is_leap() ? 1 : 0);
      break;
    case Kind::kMonthWeekDay: {
      const auto weekday = std::chrono::weekday{static_cast<unsigned>(day)};
      const auto in_month = std::chrono::year{year} / month;
      days = week == 5 ? DaysTo(in_month / weekday[std::chrono::last])
                       : DaysTo(in_month / weekday[static_cast<unsigned>(week)]);
      break;
    }
  }
  return days * kDay + time;
}

PosixRule::Stretch PosixRule::At(std::int64_t unix_seconds) const {
  struct Switch {
    std::int64_t at;
    std::int64_t offset_after;
  };
  std::array<Switch, 6> switches;
  std::size_t count = 0;
  const int year = YearOf(unix_seconds);
  for (int y = year - 1; y <= year + 1; ++y) {
    switches[count++] = {to_summer_.LocalSeconds(y) - standard_offset_, summer_offset_};
    switches[count++] = {to_standard_.LocalSeconds(y) - summer_offset_, standard_offset_};
  }
  std::sort(switches.begin(), switches.end(),
            [](const Switch& a, const Switch& b) { return a.at < b.at; });
  const auto next =
      std::find_if(switches.begin(), switches.end(),
                   [unix_seconds](const Switch& change) { return change.at > unix_seconds; });
  // Three years of changes surround every instant of the middle one.
  return {next->at, std::prev(next)->offset_after};
}

const std::string& PosixRule::NameAt(std::int64_t unix_seconds) const {
  return At(unix_seconds).offset == summer_offset_ ? summer_name_ : standard_name_;
}

}  // namespace switchboard::core
