#include "workers/core/cron_schedule.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <string>
#include <vector>

#include "workers/core/errors.hpp"

namespace switchboard::core {

namespace {

constexpr std::int64_t kMicros = 1'000'000;
constexpr std::int64_t kMinutesPerDay = 24 * 60;
constexpr std::int64_t kSecondsPerDay = 86400;
// 29 February of one weekday can be 40 years away (1880, 1920), anything else is nearer.
constexpr std::int64_t kHorizonDays = 41 * 366;
// Calendar arithmetic counts years in 16 bits: nothing is looked for beyond the year 32000.
constexpr UnixSeconds kFarthest = UnixSeconds{30000} * 365 * kSecondsPerDay;
// No zone has ever set its clocks back by more than a day.
constexpr UnixSeconds kLongestRepetition = 2 * kSecondsPerDay;
constexpr std::size_t kLongestExpression = 1000;

constexpr std::array<std::string_view, 12> kMonthNames = {
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 8> kWeekdayNames = {"sun", "mon", "tue", "wed",
                                                           "thu", "fri", "sat"};
constexpr std::array<unsigned, 12> kMonthLengths = {31, 29, 31, 30, 31, 30,
                                                    31, 31, 30, 31, 30, 31};

struct Macro {
  std::string_view name;
  std::string_view expression;
};
constexpr Macro kMacros[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"}};

struct Field {
  std::string_view name;
  int min;
  int max;
  const std::string_view* value_names;  // of min, min + 1, ...
  int value_name_count;
};
constexpr Field kMinute = {"minute", 0, 59, nullptr, 0};
constexpr Field kHour = {"hour", 0, 23, nullptr, 0};
constexpr Field kDay = {"day of month", 1, 31, nullptr, 0};
constexpr Field kMonth = {"month", 1, 12, kMonthNames.data(), 12};
constexpr Field kWeekday = {"day of week", 0, 7, kWeekdayNames.data(), 7};

std::int64_t FloorDiv(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
std::int64_t CeilDiv(std::int64_t a, std::int64_t b) { return FloorDiv(a + b - 1, b); }

constexpr std::uint64_t Bit(int n) { return std::uint64_t{1} << n; }
constexpr bool Has(std::uint64_t set, int n) { return (set & Bit(n)) != 0; }

Error Malformed(const std::string& what, std::string hint) {
  return BadArgument("cron schedule: " + what, std::move(hint));
}

std::string Expected(const Field& field) {
  std::string hint = "The " + std::string(field.name) + " is " + std::to_string(field.min) +
                     " to " + std::to_string(field.max);
  if (field.value_names != nullptr) {
    hint += " or " + std::string(field.value_names[0]) + " to " +
            std::string(field.value_names[field.value_name_count - 1]);
  }
  return hint + ", a range with -, a list with commas, or *; * and ranges may have a step as in */5.";
}

Error BadField(const Field& field, std::string_view why, std::string_view part) {
  return Malformed("bad " + std::string(field.name) + " " + Quoted(part) + ": " + std::string(why),
                   Expected(field));
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// Pieces between separators, empty ones included.
std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t at = text.find(separator);
    pieces.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return pieces;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string_view> Words(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  std::vector<std::string_view> words;
  std::size_t start = text.find_first_not_of(kSpace);
  while (start != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(kSpace, start), text.size());
    words.push_back(text.substr(start, end - start));
    start = text.find_first_not_of(kSpace, end);
  }
  return words;
}

std::optional<int> Number(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::optional<int> NamedValue(const Field& field, std::string_view text) {
  const std::string_view* const end = field.value_names + field.value_name_count;
  const std::string_view* const found = std::find(field.value_names, end, text);
  if (found == end) return std::nullopt;
  return field.min + static_cast<int>(found - field.value_names);
}

int Value(const Field& field, std::string_view text, std::string_view part) {
  const std::optional<int> number = Number(text);
  const std::optional<int> value = number ? number : NamedValue(field, text);
  if (!value) throw BadField(field, "not a value", part);
  if (*value < field.min || *value > field.max) throw BadField(field, "out of range", part);
  return *value;
}

struct Range {
  int first;
  int last;
};

Range ParseRange(const Field& field, std::string_view text, std::string_view part) {
  if (text == "*") return {field.min, field.max};
  const std::size_t dash = text.find('-');
  const int first = Value(field, text.substr(0, dash), part);
  if (dash == std::string_view::npos) return {first, first};
  const std::string_view last_text = text.substr(dash + 1);
  int last = Value(field, last_text, part);
  // Sunday ends the week of whoever writes sat-sun.
  if (last_text == "sun") last = 7;
  if (last < first) throw BadField(field, "the range ends before it starts", part);
  return {first, last};
}

int ParseStep(const Field& field, std::string_view text, std::string_view part) {
  const std::optional<int> step = Number(text);
  if (!step || *step == 0) throw BadField(field, "the step is not a positive number", part);
  if (*step > field.max) throw BadField(field, "the step is longer than the whole range", part);
  return *step;
}

std::uint64_t ParsePart(const Field& field, std::string_view part) {
  const std::size_t slash = part.find('/');
  const std::string_view range_text = part.substr(0, slash);
  const Range range = ParseRange(field, range_text, part);
  int step = 1;
  if (slash != std::string_view::npos) {
    if (range_text != "*" && range_text.find('-') == std::string_view::npos) {
      throw BadField(field, "a step needs * or a range before it", part);
    }
    step = ParseStep(field, part.substr(slash + 1), part);
  }
  std::uint64_t values = 0;
  for (int value = range.first; value <= range.last; value += step) values |= Bit(value);
  return values;
}

std::uint64_t ParseField(const Field& field, std::string_view text) {
  std::uint64_t values = 0;
  for (const std::string_view part : Split(text, ',')) {
    if (part.empty()) throw BadField(field, "a value is missing", text);
    values |= ParsePart(field, part);
  }
  return values;
}

// The expression that a macro stands for, else the text itself.
std::string_view Expand(std::string_view text) {
  const auto* const macro = std::find_if(std::begin(kMacros), std::end(kMacros),
                                         [text](const Macro& m) { return m.name == text; });
  return macro == std::end(kMacros) ? text : macro->expression;
}

std::vector<std::string_view> Fields(std::string_view text) {
  std::vector<std::string_view> fields = Words(text);
  if (fields.size() == 1) fields = Words(Expand(fields[0]));
  if (fields.size() != 5) {
    throw Malformed("5 fields are needed, not " + std::to_string(fields.size()) + ": " +
                        Quoted(text),
                    "Write minute, hour, day of month, month and day of week, as in "
                    "\"0 9 * * mon-fri\", or one of @hourly, @daily, @weekly, @monthly, @yearly.");
  }
  return fields;
}

std::chrono::year_month_day DateOf(std::int64_t day) {
  return std::chrono::sys_days{std::chrono::days{day}};
}

std::int64_t FirstOfNextMonth(const std::chrono::year_month_day& date) {
  const auto next = date.year() / date.month() / 1 + std::chrono::months{1};
  return std::chrono::sys_days{next}.time_since_epoch().count();
}

// Day 0, 1970-01-01, was a Thursday.
int WeekdayOf(std::int64_t day) { return static_cast<int>(((day + 4) % 7 + 7) % 7); }

}  // namespace

bool CronSchedule::MatchesDay(std::int64_t day) const {
  const bool by_date = Has(days_, static_cast<int>(unsigned{DateOf(day).day()}));
  const bool by_weekday = Has(weekdays_, WeekdayOf(day));
  return any_day_ || any_weekday_ ? by_date && by_weekday : by_date || by_weekday;
}

// The first minute of a day, not before `minute`.
std::optional<std::int64_t> CronSchedule::NextMinuteOfDay(std::int64_t minute) const {
  for (std::int64_t hour = minute / 60; hour < 24; ++hour) {
    if (!Has(hours_, static_cast<int>(hour))) continue;
    const std::int64_t from = std::max<std::int64_t>(minute - hour * 60, 0);
    const std::uint64_t left = minutes_ >> from;
    if (left != 0) return hour * 60 + from + std::countr_zero(left);
  }
  return std::nullopt;
}

// The first minute since 1970, of the wall clock, not before `minute`.
std::optional<std::int64_t> CronSchedule::NextWallMinute(std::int64_t minute) const {
  std::int64_t day = FloorDiv(minute, kMinutesPerDay);
  const std::int64_t horizon = day + kHorizonDays;
  std::int64_t from = minute - day * kMinutesPerDay;
  while (day <= horizon) {
    const std::chrono::year_month_day date = DateOf(day);
    if (!Has(months_, static_cast<int>(unsigned{date.month()}))) {
      day = FirstOfNextMonth(date);
      from = 0;
      continue;
    }
    const auto found = MatchesDay(day) ? NextMinuteOfDay(from) : std::nullopt;
    if (found) return day * kMinutesPerDay + *found;
    ++day;
    from = 0;
  }
  return std::nullopt;
}

// Only a date can be one that no month has; weekdays come every week.
bool CronSchedule::NeverComes() const {
  if (!any_day_ && !any_weekday_) return false;
  for (int month = 1; month <= 12; ++month) {
    if (Has(months_, month) &&
        static_cast<unsigned>(std::countr_zero(days_)) <= kMonthLengths[month - 1]) {
      return false;
    }
  }
  return true;
}

CronSchedule CronSchedule::Parse(std::string_view text) {
  if (text.size() > kLongestExpression) {
    throw Malformed("longer than 1000 characters: " + Quoted(text), {});
  }
  const std::string lower = Lower(text);
  const std::vector<std::string_view> fields = Fields(lower);
  CronSchedule schedule;
  schedule.minutes_ = ParseField(kMinute, fields[0]);
  schedule.hours_ = ParseField(kHour, fields[1]);
  schedule.days_ = ParseField(kDay, fields[2]);
  schedule.months_ = ParseField(kMonth, fields[3]);
  schedule.weekdays_ = ParseField(kWeekday, fields[4]);
  if (Has(schedule.weekdays_, 7)) schedule.weekdays_ |= Bit(0);
  schedule.any_hour_ = fields[1].front() == '*';
  schedule.any_day_ = fields[2].front() == '*';
  schedule.any_weekday_ = fields[4].front() == '*';
  if (schedule.NeverComes()) {
    throw Malformed("that day never comes: " + Quoted(text), {});
  }
  return schedule;
}

// The first instant after `past` in one stretch of constant offset.
std::optional<UnixSeconds> CronSchedule::FirstIn(const Stretch& stretch, UnixSeconds past) const {
  // A time of day that the clocks skipped on the way here has come with the first instant.
  if (stretch.begin > past && stretch.passed && !any_hour_) {
    const auto skipped = NextWallMinute(CeilDiv(*stretch.passed, 60));
    if (skipped && *skipped * 60 < stretch.begin + stretch.offset) return stretch.begin;
  }
  UnixSeconds local = std::max(past + 1, stretch.begin) + stretch.offset;
  if (stretch.passed && !any_hour_) local = std::max(local, *stretch.passed);
  const auto minute = NextWallMinute(CeilDiv(local, 60));
  if (!minute || *minute * 60 - stretch.offset >= stretch.end) return std::nullopt;
  return *minute * 60 - stretch.offset;
}

std::optional<Instant> CronSchedule::Next(Instant after, std::string_view timezone) const {
  const LocalZone* zone = LocalZone::Find(timezone);
  if (zone == nullptr) throw BadArgument("unknown time zone " + Quoted(timezone));
  const UnixSeconds past = FloorDiv(after.time_since_epoch().count(), kMicros);
  if (past > kFarthest || past < -kFarthest) return std::nullopt;
  Stretch stretch;
  // From one clock change to the next local time just runs. Stretches before `past` say what is
  // repeated after it.
  for (UnixSeconds begin = past - kLongestRepetition; begin <= past + kHorizonDays * kSecondsPerDay;
       begin = stretch.end) {
    const LocalZone::Stretch found = zone->At(begin);
    stretch.begin = begin;
    stretch.end = found.end;
    stretch.offset = found.offset;
    if (stretch.end > past) {
      const auto first = FirstIn(stretch, past);
      if (first) return Instant{std::chrono::seconds{*first}};
    }
    const UnixSeconds reached = std::min(stretch.end, 2 * kFarthest) + stretch.offset;
    stretch.passed = std::max(stretch.passed.value_or(reached), reached);
  }
  return std::nullopt;
}

}  // namespace switchboard::core
