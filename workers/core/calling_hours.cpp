#include "workers/core/calling_hours.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"
#include "workers/core/local_zone.hpp"

namespace switchboard::core {

namespace {

constexpr std::int64_t kMicros = 1'000'000;
constexpr std::int64_t kMinute = 60 * kMicros;
constexpr std::int64_t kDay = 24 * 60 * kMinute;
constexpr std::int64_t kHorizonDays = 366;
// So far from the ends of the type that no sum below overflows.
constexpr std::int64_t kFarthest =
    std::numeric_limits<std::int64_t>::max() - 2 * kHorizonDays * kDay;

constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};

std::int64_t FloorDiv(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Day 0, 1970-01-01, was a Thursday.
std::size_t WeekdayOf(std::int64_t day) {
  return static_cast<std::size_t>(((day + 4) % 7 + 7) % 7);
}

// Of a day that it starts on, microseconds since its midnight; end may lie on the next day.
struct Window {
  std::int64_t start;
  std::int64_t end;
};

Error Malformed(std::string_view what, const JsonValue& value) {
  return BadArgument("active_hours: " + std::string(what) + " " + QuotedValue(value),
                     R"(Write {"start":"09:00","end":"17:00"} or {"mon":[["09:00","17:00"]],...}, )"
                     R"(optionally with "days" and "holidays".)");
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int TwoDigits(std::string_view text, std::size_t at) {
  return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

// Whether text looks like the pattern, in which 9 stands for any digit.
bool Matches(std::string_view text, std::string_view pattern) {
  return std::equal(text.begin(), text.end(), pattern.begin(), pattern.end(),
                    [](char c, char p) { return p == '9' ? IsDigit(c) : c == p; });
}

// HH:MM up to 24:00, as microseconds since midnight.
std::int64_t TimeOfDay(const JsonValue& value) {
  const std::string_view text = AsString(value);
  if (!Matches(text, "99:99")) throw Malformed("not a time HH:MM:", value);
  const int minutes = TwoDigits(text, 0) * 60 + TwoDigits(text, 3);
  if (TwoDigits(text, 3) > 59 || minutes > 24 * 60) throw Malformed("no such time:", value);
  return minutes * kMinute;
}

Window ParseWindow(const JsonValue& start, const JsonValue& end) {
  Window window{TimeOfDay(start), TimeOfDay(end)};
  if (window.start == kDay) throw Malformed("a window cannot start at", start);
  if (window.start == window.end) throw Malformed("start and end are equal:", start);
  if (window.end < window.start) window.end += kDay;
  return window;
}

std::int64_t ParseDate(const JsonValue& value) {
  const std::string_view text = AsString(value);
  if (!Matches(text, "9999-99-99")) throw Malformed("not a date YYYY-MM-DD:", value);
  const std::chrono::year_month_day date{
      std::chrono::year{TwoDigits(text, 0) * 100 + TwoDigits(text, 2)},
      std::chrono::month{static_cast<unsigned>(TwoDigits(text, 5))},
      std::chrono::day{static_cast<unsigned>(TwoDigits(text, 8))}};
  if (!date.ok()) throw Malformed("no such date:", value);
  return std::chrono::sys_days{date}.time_since_epoch().count();
}

std::size_t ParseWeekday(const JsonValue& value) {
  const auto* const found = std::find(kWeekdays.begin(), kWeekdays.end(), AsString(value));
  if (found == kWeekdays.end()) throw Malformed("not a weekday (mon ... sun):", value);
  return static_cast<std::size_t>(found - kWeekdays.begin());
}

const JsonValue& RequireArray(const JsonValue& value, std::string_view what) {
  if (!value.IsArray()) throw Malformed(std::string(what) + " must be an array:", value);
  return value;
}

}  // namespace

struct CallingHours::Plan {
  bool always = false;
  std::array<std::vector<Window>, 7> windows;  // by weekday of their start, sorted by start
  std::vector<std::int64_t> holidays;          // days since 1970-01-01, sorted

  // The earliest local time not before `local` inside a window; nothing within the horizon.
  std::optional<std::int64_t> Next(std::int64_t local) const {
    const std::int64_t today = FloorDiv(local, kDay);
    // A window of yesterday may still be open. Those of a later day start after all of an earlier
    // day.
    for (std::int64_t day = today - 1; day <= today + kHorizonDays + 1; ++day) {
      if (std::binary_search(holidays.begin(), holidays.end(), day)) continue;
      for (const Window& window : windows[WeekdayOf(day)]) {
        if (day * kDay + window.end > local) return std::max(local, day * kDay + window.start);
      }
    }
    return std::nullopt;
  }

  // Whether a local time is inside a window that started on one of these days.
  bool Open(std::int64_t local) const { return always || Next(local) == local; }

  // The same on a weekday far from any holiday.
  bool UsuallyOpen(std::size_t weekday, std::int64_t time) const {
    const auto covers = [](const std::vector<Window>& day, std::int64_t t) {
      return std::any_of(day.begin(), day.end(),
                         [t](const Window& w) { return w.start <= t && t < w.end; });
    };
    return always || covers(windows[weekday], time) ||
           covers(windows[(weekday + 6) % 7], time + kDay);
  }
};

namespace {

struct Parsed {
  std::array<std::vector<Window>, 7> windows;
  std::vector<std::int64_t> holidays;
  std::array<bool, 7> days = {true, true, true, true, true, true, true};
};

void ParseDays(const JsonValue& value, Parsed* parsed) {
  parsed->days = {};
  for (const JsonValue& day : RequireArray(value, "days").GetArray()) {
    parsed->days[ParseWeekday(day)] = true;
  }
}

void ParseHolidays(const JsonValue& value, Parsed* parsed) {
  for (const JsonValue& date : RequireArray(value, "holidays").GetArray()) {
    parsed->holidays.push_back(ParseDate(date));
  }
  std::sort(parsed->holidays.begin(), parsed->holidays.end());
}

void ParseWeekdayWindows(const JsonValue& name, const JsonValue& value, Parsed* parsed) {
  std::vector<Window>& windows = parsed->windows[ParseWeekday(name)];
  for (const JsonValue& pair : RequireArray(value, "the windows of a weekday").GetArray()) {
    if (!pair.IsArray() || pair.Size() != 2) throw Malformed("not a window [start, end]:", pair);
    windows.push_back(ParseWindow(pair[0], pair[1]));
  }
}

// Both forms share days and holidays; what is left must be start and end, or weekdays.
void ParseMembers(const JsonValue& json, Parsed* parsed) {
  const JsonValue* start = nullptr;
  const JsonValue* end = nullptr;
  bool has_weekdays = false;
  for (const auto& member : json.GetObject()) {
    const std::string_view key = AsString(member.name);
    if (key == "days") {
      ParseDays(member.value, parsed);
    } else if (key == "holidays") {
      ParseHolidays(member.value, parsed);
    } else if (key == "start") {
      start = &member.value;
    } else if (key == "end") {
      end = &member.value;
    } else {
      ParseWeekdayWindows(member.name, member.value, parsed);
      has_weekdays = true;
    }
  }
  const bool has_pair = start != nullptr && end != nullptr;
  const bool half_a_pair = (start != nullptr) != (end != nullptr);
  if (half_a_pair || has_pair == has_weekdays) {
    throw Malformed("either start and end, or weekdays are needed:", json);
  }
  if (has_pair) parsed->windows.fill({ParseWindow(*start, *end)});
}

void Arrange(Parsed* parsed) {
  for (std::size_t day = 0; day < parsed->windows.size(); ++day) {
    auto& windows = parsed->windows[day];
    if (!parsed->days[day]) windows.clear();
    std::sort(windows.begin(), windows.end(),
              [](const Window& a, const Window& b) { return a.start < b.start; });
  }
}

}  // namespace

CallingHours CallingHours::Parse(std::string_view text) {
  const Json json = ParseJson(text);
  if (!json.IsObject()) throw Malformed("must be an object:", json);
  Parsed parsed;
  ParseMembers(json, &parsed);
  Arrange(&parsed);
  auto plan = std::make_shared<Plan>();
  plan->windows = std::move(parsed.windows);
  plan->holidays = std::move(parsed.holidays);
  return CallingHours(std::move(plan));
}

CallingHours CallingHours::Always() {
  auto plan = std::make_shared<Plan>();
  plan->always = true;
  return CallingHours(std::move(plan));
}

std::optional<Instant> CallingHours::Next(Instant after, std::string_view timezone) const {
  const LocalZone* zone = LocalZone::Find(timezone);
  if (zone == nullptr) throw BadArgument("unknown time zone " + Quoted(timezone));
  std::int64_t at = after.time_since_epoch().count();
  if (plan_->always) return after;
  if (at > kFarthest || at < -kFarthest) return std::nullopt;
  const std::int64_t limit = at + kHorizonDays * kDay;
  // From one clock change to the next local time just runs; a change begins a new search.
  while (at <= limit) {
    const LocalZone::Stretch stretch = zone->At(FloorDiv(at, kMicros));
    const std::int64_t offset = stretch.offset * kMicros;
    const auto local = plan_->Next(at + offset);
    const bool in_stretch = local && FloorDiv(*local - offset, kMicros) < stretch.end;
    if (in_stretch) {
      at = *local - offset;
      return at <= limit ? std::optional(Instant{std::chrono::microseconds{at}}) : std::nullopt;
    }
    if (stretch.end > limit / kMicros) break;
    at = stretch.end * kMicros;
  }
  return std::nullopt;
}

bool CallingHours::Within(const CallingHours& outer) const {
  for (std::int64_t time = 0; time < kDay; time += kMinute) {
    for (std::size_t weekday = 0; weekday < 7; ++weekday) {
      if (plan_->UsuallyOpen(weekday, time) && !outer.plan_->UsuallyOpen(weekday, time)) {
        return false;
      }
    }
    // A holiday of the others closes its own day and the night after it.
    for (const std::int64_t holiday : outer.plan_->holidays) {
      for (const std::int64_t local : {holiday * kDay + time, (holiday + 1) * kDay + time}) {
        if (plan_->Open(local) && !outer.plan_->Open(local)) return false;
      }
    }
  }
  return true;
}

std::bitset<168> CallingHours::OpenHours() const {
  constexpr std::int64_t kHour = 60 * kMinute;
  std::bitset<168> open;
  for (std::size_t hour = 0; hour < open.size(); ++hour) {
    const std::size_t weekday = (hour / 24 + 1) % kWeekdays.size();
    const std::int64_t start = static_cast<std::int64_t>(hour % 24) * kHour;
    open[hour] = true;
    for (std::int64_t time = start; time < start + kHour && open[hour]; time += kMinute) {
      open[hour] = plan_->UsuallyOpen(weekday, time);
    }
  }
  return open;
}

bool TimezoneExists(std::string_view name) { return LocalZone::Find(name) != nullptr; }

}  // namespace switchboard::core
