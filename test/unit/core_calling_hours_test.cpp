#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "test/unit/core_expect.hpp"
#include "workers/core/calling_hours.hpp"
#include "workers/core/local_zone.hpp"
#include "workers/core/posix_rule.hpp"
#include "workers/core/retry_policy.hpp"
#include "workers/core/try_counts.hpp"

namespace switchboard::core {
namespace {

constexpr char kNineToFive[] = R"({"start":"09:00","end":"17:00"})";

std::string Next(const std::string& after, const std::string& zone, const std::string& hours) {
  return Text(CallingHours::Parse(hours).Next(Utc(after), zone));
}

TEST(NextCallTime, InsideTheWindowIsNow) {
  EXPECT_EQ(Next("2026-07-01 15:30:00.25", "America/New_York", kNineToFive),
            "2026-07-01 15:30:00.250000");
  EXPECT_EQ(Next("2026-07-01 13:00:00", "America/New_York", kNineToFive), "2026-07-01 13:00:00");
}

TEST(NextCallTime, BeforeTheWindowWaitsForItsStart) {
  EXPECT_EQ(Next("2026-07-01 12:59:59.999", "America/New_York", kNineToFive),
            "2026-07-01 13:00:00");
  EXPECT_EQ(Next("2026-01-01 06:00:00", "America/New_York", kNineToFive), "2026-01-01 14:00:00");
}

TEST(NextCallTime, TheEndIsExclusive) {
  EXPECT_EQ(Next("2026-07-01 20:59:59.5", "America/New_York", kNineToFive),
            "2026-07-01 20:59:59.500000");
  EXPECT_EQ(Next("2026-07-01 21:00:00", "America/New_York", kNineToFive), "2026-07-02 13:00:00");
}

TEST(NextCallTime, KnowsZonesWithFractionalOffsets) {
  EXPECT_EQ(Next("2026-07-01 00:00:00", "Asia/Kolkata", kNineToFive), "2026-07-01 03:30:00");
  EXPECT_EQ(Next("2026-07-01 00:00:00", "Asia/Kathmandu", kNineToFive), "2026-07-01 03:15:00");
  EXPECT_EQ(Next("2026-01-15 00:00:00", "Australia/Lord_Howe", kNineToFive), "2026-01-15 00:00:00");
}

TEST(NextCallTime, FollowsClockChanges) {
  // The day clocks go forward: 09:00 is EDT.
  EXPECT_EQ(Next("2026-03-08 05:00:00", "America/New_York", kNineToFive), "2026-03-08 13:00:00");
  EXPECT_EQ(Next("2026-03-07 05:00:00", "America/New_York", kNineToFive), "2026-03-07 14:00:00");
  EXPECT_EQ(Next("2026-11-01 04:00:00", "America/New_York", kNineToFive), "2026-11-01 14:00:00");
}

TEST(NextCallTime, SkippedWallTimeCountsAsTheFirstInstantAfter) {
  EXPECT_EQ(Next("2026-03-08 05:00:00", "America/New_York", R"({"start":"02:30","end":"05:00"})"),
            "2026-03-08 07:00:00");
  // Both ends skipped: the window is empty that day.
  EXPECT_EQ(Next("2026-03-08 05:00:00", "America/New_York", R"({"start":"02:10","end":"02:50"})"),
            "2026-03-09 06:10:00");
  // An end that is skipped closes at the change.
  EXPECT_EQ(Next("2026-03-08 07:00:00", "America/New_York", R"({"start":"01:00","end":"02:30"})"),
            "2026-03-09 05:00:00");
}

TEST(NextCallTime, RepeatedWallTimeIsInsideBothTimes) {
  const char* hours = R"({"start":"01:30","end":"02:00"})";
  EXPECT_EQ(Next("2026-11-01 04:00:00", "America/New_York", hours), "2026-11-01 05:30:00");
  EXPECT_EQ(Next("2026-11-01 05:59:59", "America/New_York", hours), "2026-11-01 05:59:59");
  EXPECT_EQ(Next("2026-11-01 06:00:00", "America/New_York", hours), "2026-11-01 06:30:00");
  EXPECT_EQ(Next("2026-11-01 07:00:00", "America/New_York", hours), "2026-11-02 06:30:00");
}

TEST(NextCallTime, SkippedDaysHaveNoWindow) {
  // Samoa had no 30 December 2011.
  EXPECT_EQ(Next("2011-12-30 04:00:00", "Pacific/Apia", kNineToFive), "2011-12-30 19:00:00");
  const char* fridays = R"({"start":"09:00","end":"17:00","days":["fri"]})";
  EXPECT_EQ(Next("2011-12-30 04:00:00", "Pacific/Apia", fridays), "2012-01-05 19:00:00");
  // A window of the skipped day that runs past midnight is open from the first instant after.
  const char* friday_nights = R"({"start":"22:00","end":"06:00","days":["fri"]})";
  EXPECT_EQ(Next("2011-12-30 04:00:00", "Pacific/Apia", friday_nights), "2011-12-30 10:00:00");
}

TEST(NextCallTime, SpansMidnight) {
  const char* night = R"({"start":"22:00","end":"02:00"})";
  EXPECT_EQ(Next("2026-07-01 01:59:59", "UTC", night), "2026-07-01 01:59:59");
  EXPECT_EQ(Next("2026-07-01 02:00:00", "UTC", night), "2026-07-01 22:00:00");
  EXPECT_EQ(Next("2026-07-01 23:00:00", "UTC", night), "2026-07-01 23:00:00");
}

TEST(NextCallTime, AWindowBelongsToTheDayItStartsOn) {
  const char* hours = R"({"fri":[["22:00","02:00"]]})";
  EXPECT_EQ(Next("2026-07-04 01:00:00", "UTC", hours), "2026-07-04 01:00:00");  // Saturday
  EXPECT_EQ(Next("2026-07-04 02:00:00", "UTC", hours), "2026-07-10 22:00:00");
  const char* holiday = R"({"fri":[["22:00","02:00"]],"holidays":["2026-07-03"]})";
  EXPECT_EQ(Next("2026-07-04 01:00:00", "UTC", holiday), "2026-07-10 22:00:00");
  const char* after_holiday = R"({"fri":[["22:00","02:00"]],"holidays":["2026-07-04"]})";
  EXPECT_EQ(Next("2026-07-04 01:00:00", "UTC", after_holiday), "2026-07-04 01:00:00");
}

TEST(NextCallTime, TakesSeveralWindowsADay) {
  const char* hours = R"({"wed":[["13:00","17:00"],["09:00","12:00"]]})";
  EXPECT_EQ(Next("2026-07-01 00:00:00", "UTC", hours), "2026-07-01 09:00:00");
  EXPECT_EQ(Next("2026-07-01 12:00:00", "UTC", hours), "2026-07-01 13:00:00");
  EXPECT_EQ(Next("2026-07-01 17:00:00", "UTC", hours), "2026-07-08 09:00:00");
}

TEST(NextCallTime, WindowsMayOverlap) {
  const char* hours = R"({"wed":[["09:00","17:00"],["10:00","11:00"],["16:00","20:00"]]})";
  EXPECT_EQ(Next("2026-07-01 12:00:00", "UTC", hours), "2026-07-01 12:00:00");
  EXPECT_EQ(Next("2026-07-01 19:59:59", "UTC", hours), "2026-07-01 19:59:59");
  EXPECT_EQ(Next("2026-07-01 20:00:00", "UTC", hours), "2026-07-08 09:00:00");
}

TEST(NextCallTime, HoursMayReachMidnight) {
  const char* all_day = R"({"start":"00:00","end":"24:00","days":["wed"]})";
  EXPECT_EQ(Next("2026-07-01 23:59:59", "UTC", all_day), "2026-07-01 23:59:59");
  EXPECT_EQ(Next("2026-07-02 00:00:00", "UTC", all_day), "2026-07-08 00:00:00");
  EXPECT_EQ(Next("2026-07-01 23:59:59", "UTC", R"({"start":"09:00","end":"00:00"})"),
            "2026-07-01 23:59:59");
}

TEST(NextCallTime, DaysAndHolidaysNarrowBothForms) {
  const char* hours =
      R"({"start":"09:00","end":"17:00","days":["mon","tue","wed","thu","fri"],"holidays":["2026-12-25"]})";
  EXPECT_EQ(Next("2026-12-24 18:00:00", "UTC", hours), "2026-12-28 09:00:00");
  const char* weekly = R"({"mon":[["09:00","17:00"]],"tue":[["09:00","17:00"]],"days":["tue"]})";
  EXPECT_EQ(Next("2026-06-29 00:00:00", "UTC", weekly), "2026-06-30 09:00:00");
}

TEST(NextCallTime, IsNothingWithoutAWindowInAYear) {
  EXPECT_EQ(Next("2026-01-01 00:00:00", "UTC", R"({"start":"09:00","end":"17:00","days":[]})"),
            "none");
  EXPECT_EQ(Next("2026-01-01 00:00:00", "UTC", R"({"mon":[]})"), "none");
  std::string holidays;
  for (int day = 0; day < 400; ++day) {
    const auto date =
        std::chrono::sys_days{std::chrono::year{2026} / 1 / 1} + std::chrono::days{day};
    holidays += (day > 0 ? ",\"" : "\"") + Text(Instant{date}).substr(0, 10) + "\"";
  }
  const std::string hours = R"({"start":"09:00","end":"17:00","holidays":[)" + holidays + "]}";
  EXPECT_EQ(Next("2026-01-01 00:00:00", "UTC", hours), "none");
  EXPECT_EQ(Next("2026-03-01 00:00:00", "UTC", hours), "2027-02-05 09:00:00");
}

TEST(NextCallTime, IsRightBeyondTheListedYears) {
  EXPECT_EQ(Next("2050-07-01 00:00:00", "America/New_York", kNineToFive), "2050-07-01 13:00:00");
  EXPECT_EQ(Next("2050-01-05 00:00:00", "Europe/Dublin", kNineToFive), "2050-01-05 09:00:00");
  EXPECT_EQ(Next("2450-07-01 00:00:00", "America/New_York", kNineToFive), "2450-07-01 13:00:00");
  EXPECT_EQ(Next("1850-07-01 00:00:00", "UTC", kNineToFive), "1850-07-01 09:00:00");
}

TEST(NextCallTime, SurvivesTheEndsOfTime) {
  const CallingHours hours = CallingHours::Parse(kNineToFive);
  EXPECT_EQ(hours.Next(Instant::max(), "America/New_York"), std::nullopt);
  EXPECT_EQ(hours.Next(Instant::min(), "America/New_York"), std::nullopt);
  EXPECT_EQ(CallingHours::Always().Next(Instant::max(), "UTC"), Instant::max());
  EXPECT_NO_THROW(hours.Next(Utc("9999-12-31 23:59:59"), "Australia/Lord_Howe"));
}

TEST(NextCallTime, MatchesZoneNamesInAnyCaseAndOldSpelling) {
  EXPECT_EQ(Next("2026-07-01 00:00:00", "america/new_york", kNineToFive), "2026-07-01 13:00:00");
  EXPECT_EQ(Next("2026-07-01 00:00:00", "Asia/Calcutta", kNineToFive), "2026-07-01 03:30:00");
}

TEST(NextCallTime, RefusesUnknownZones) {
  for (const char* zone : {"Mars/Olympus", "", "../../etc/passwd", "+05:00", "\xff"}) {
    EXPECT_SB_ERROR(Next("2026-07-01 00:00:00", zone, kNineToFive), "22023", "time zone");
    EXPECT_FALSE(TimezoneExists(zone));
  }
}

TEST(ActiveHours, RefusesWhatIsMalformedAndNamesIt) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "JSON"},
      {"{", "JSON"},
      {"[]", "object"},
      {"null", "object"},
      {"{}", "needed"},
      {R"({"start":"09:00"})", "needed"},
      {R"({"end":"09:00"})", "needed"},
      {R"({"days":["mon"]})", "needed"},
      {R"({"start":"09:00","end":"17:00","mon":[]})", "needed"},
      {R"({"start":"09:00","end":"09:00"})", "equal"},
      {R"({"start":"00:00","end":"00:00"})", "equal"},
      {R"({"start":"24:00","end":"09:00"})", "24:00"},
      {R"({"start":"9:00","end":"17:00"})", "9:00"},
      {R"({"start":"09:60","end":"17:00"})", "09:60"},
      {R"({"start":"09:00","end":"24:01"})", "24:01"},
      {R"({"start":"09:00","end":"25:00"})", "25:00"},
      {R"({"start":"09:00","end":"17:00 "})", "17:00 "},
      {R"({"start":"0９:00","end":"17:00"})", "not a time"},
      {R"({"start":9,"end":"17:00"})", "9"},
      {R"({"start":null,"end":"17:00"})", "null"},
      {R"({"start":"09:00","end":"17:00","zone":"UTC"})", "zone"},
      {R"({"start":"09:00","end":"17:00","days":"mon"})", "array"},
      {R"({"start":"09:00","end":"17:00","days":["Monday"]})", "Monday"},
      {R"({"start":"09:00","end":"17:00","days":[1]})", "1"},
      {R"({"start":"09:00","end":"17:00","holidays":["2026-02-29"]})", "2026-02-29"},
      {R"({"start":"09:00","end":"17:00","holidays":["25.12.2026"]})", "25.12.2026"},
      {R"({"start":"09:00","end":"17:00","holidays":{}})", "array"},
      {R"({"mon":["09:00","17:00"]})", "window"},
      {R"({"mon":[["09:00"]]})", "window"},
      {R"({"mon":[["09:00","17:00","18:00"]]})", "window"},
      {R"({"mon":[["09:00","09:00"]]})", "equal"},
      {R"({"Mon":[["09:00","17:00"]]})", "Mon"},
      {R"({"mon":{"start":"09:00","end":"17:00"}})", "array"},
  };
  for (const auto& [hours, named] : cases) {
    EXPECT_SB_ERROR(CallingHours::Parse(hours), "22023", named);
  }
}

TEST(ActiveHours, DeepNestingIsRefusedNotFatal) {
  EXPECT_SB_ERROR(CallingHours::Parse(std::string(1000000, '[')), "54000", "nests deeper");
}

TEST(PosixRules, AreReadInAllTheirForms) {
  for (const char* text : {"EST5EDT,M3.2.0,M11.1.0", "IST-1GMT0,M10.5.0,M3.5.0/1",
                           "<+0330>-3:30<+0430>,J79/24,J263/24", "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
                           "AAA-1BBB,0/0,J365/23"}) {
    EXPECT_TRUE(PosixRule::Parse(text)) << text;
  }
  for (const char* text :
       {"", "UTC0", "EST5EDT", "EST5EDT,M13.2.0,M11.1.0", "EST5EDT,M3.2.0",
        "EST5EDT,M3.2.0,M11.1.0x", "E5E,M3.2.0,M11.1.0", "<EST5EDT", "EST5EDT,J0,J1"}) {
    EXPECT_FALSE(PosixRule::Parse(text)) << text;
  }
}

// The C library reads the same zone files by code of its own.
TEST(LocalZones, AgreeWithTheCLibrary) {
  const char* before = std::getenv("TZ");
  const std::optional<std::string> saved =
      before ? std::optional<std::string>(before) : std::nullopt;
  std::mt19937_64 random(3);
  for (const char* name :
       {"America/New_York", "Europe/Dublin", "Africa/Casablanca", "Australia/Lord_Howe",
        "Pacific/Apia", "Asia/Gaza", "America/Nuuk", "Asia/Tokyo"}) {
    setenv("TZ", name, 1);
    tzset();
    const LocalZone* zone = LocalZone::Find(name);
    ASSERT_NE(zone, nullptr);
    for (int i = 0; i < 500; ++i) {
      const std::time_t at = static_cast<std::time_t>(random() % 8000000000ULL) - 1000000000;
      std::tm local{};
      localtime_r(&at, &local);
      EXPECT_EQ(zone->At(at).offset, local.tm_gmtoff) << name << " " << at;
    }
  }
  saved ? setenv("TZ", saved->c_str(), 1) : unsetenv("TZ");
  tzset();
}

// ---------------------------------------------------------------------------------------------------
// A second, independent reckoning: walk minute by minute, look at the wall clock, ask the rules.

struct Span {
  int start;  // minutes of the day
  int end;
};

struct Rules {
  std::array<std::vector<Span>, 7> spans;  // 0 is Sunday
  std::array<bool, 7> days;
  std::set<std::int64_t> holidays;
};

std::int64_t FloorDivide(std::int64_t a, std::int64_t b) {
  return (a % b + b) % b == 0 ? a / b : (a - ((a % b + b) % b)) / b;
}

bool StartsOn(const Rules& rules, std::int64_t day) {
  return rules.days[static_cast<std::size_t>(((day + 4) % 7 + 7) % 7)] &&
         rules.holidays.count(day) == 0;
}

bool InsideAt(const Rules& rules, std::int64_t local_minutes) {
  const std::int64_t day = FloorDivide(local_minutes, 1440);
  const int minute = static_cast<int>(local_minutes - day * 1440);
  const auto spans_of = [&](std::int64_t d) -> const std::vector<Span>& {
    return rules.spans[static_cast<std::size_t>(((d + 4) % 7 + 7) % 7)];
  };
  if (StartsOn(rules, day)) {
    for (const Span& span : spans_of(day)) {
      const bool past_midnight = span.end < span.start;
      if (minute >= span.start && (past_midnight || minute < span.end)) return true;
    }
  }
  if (StartsOn(rules, day - 1)) {
    for (const Span& span : spans_of(day - 1)) {
      if (span.end < span.start && minute < span.end) return true;
    }
  }
  return false;
}

std::optional<std::int64_t> SlowNext(const Rules& rules, const LocalZone& zone, std::int64_t from,
                                     std::int64_t limit) {
  for (std::int64_t t = from; t < limit; t += 60) {
    if (InsideAt(rules, FloorDivide(t + zone.At(t).offset, 60))) return t;
  }
  return std::nullopt;
}

std::string Clock(int minute) {
  char text[16];
  std::snprintf(text, sizeof text, "%02d:%02d", minute / 60, minute % 60);
  return text;
}

std::string DateText(std::int64_t day) {
  return Text(Instant{std::chrono::sys_days{std::chrono::days{day}}}).substr(0, 10);
}

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  Span RandomSpan() {
    Span span{Below(96) * 15, Below(97) * 15};
    if (Below(4) == 0) span = {Below(1440), Below(1441)};
    if (span.start == span.end || span.start == 1440) span = {600, 660};
    return span;
  }

  // The rules, and the same as JSON.
  std::pair<Rules, std::string> RandomRules(std::int64_t day) {
    static constexpr const char* kNames[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    Rules rules;
    rules.days.fill(true);
    std::string json = "{";
    if (Below(2) == 0) {
      const Span span = RandomSpan();
      for (auto& spans : rules.spans) spans = {span};
      json += "\"start\":\"" + Clock(span.start) + "\",\"end\":\"" + Clock(span.end) + "\"";
    } else {
      for (std::size_t d = 0; d < 7; ++d) {
        std::string list;
        for (int n = Below(4); n > 0; --n) {
          rules.spans[d].push_back(RandomSpan());
          list += (list.empty() ? "" : ",") + ("[\"" + Clock(rules.spans[d].back().start) +
                                               "\",\"" + Clock(rules.spans[d].back().end) + "\"]");
        }
        json += (d > 0 ? ",\"" : "\"") + std::string(kNames[d]) + "\":[" + list + "]";
      }
    }
    if (Below(3) == 0) {
      std::string list;
      for (std::size_t d = 0; d < 7; ++d) {
        rules.days[d] = Below(2) == 0;
        if (rules.days[d]) list += (list.empty() ? "\"" : ",\"") + std::string(kNames[d]) + "\"";
      }
      json += ",\"days\":[" + list + "]";
    }
    if (Below(3) == 0) {
      std::string list;
      for (int n = 1 + Below(3); n > 0; --n) {
        const std::int64_t holiday = day + Below(5) - 1;
        rules.holidays.insert(holiday);
        list += (list.empty() ? "\"" : ",\"") + DateText(holiday) + "\"";
      }
      json += ",\"holidays\":[" + list + "]";
    }
    return {rules, json + "}"};
  }

 private:
  std::mt19937 random_;
};

TEST(NextCallTimeProperty, AgreesWithAWalkMinuteByMinute) {
  static constexpr const char* kZones[] = {"America/New_York",    "Europe/London",
                                           "Australia/Lord_Howe", "Asia/Kathmandu",
                                           "Pacific/Apia",        "Africa/Casablanca",
                                           "America/Sao_Paulo",   "Asia/Tehran",
                                           "America/St_Johns",    "Atlantic/Azores",
                                           "Pacific/Chatham",     "America/Havana",
                                           "Asia/Gaza",           "UTC",
                                           "Antarctica/Troll"};
  Generator generator(20260101);
  for (int round = 0; round < 10000; ++round) {
    const char* name = kZones[generator.Below(std::size(kZones))];
    const LocalZone* zone = LocalZone::Find(name);
    ASSERT_NE(zone, nullptr);
    // 2005 to 2045; two times of three close to the end of a stretch, which is a clock change.
    std::int64_t from = 1104537600 + std::int64_t{generator.Below(40 * 365 * 24)} * 3600;
    if (generator.Below(3) > 0) {
      const std::int64_t change = zone->At(from).end;
      if (change < 2400000000) from = change - generator.Below(3 * 1440) * 60;
    }
    from = FloorDivide(from, 60) * 60;
    const auto [rules, json] = generator.RandomRules(FloorDivide(from, 86400));
    // The walk is slow: it looks only some days ahead, and the answer may lie behind that.
    const std::int64_t limit = from + 4 * 86400;
    const auto slow = SlowNext(rules, *zone, from, limit);
    const auto fast = CallingHours::Parse(json).Next(Instant{std::chrono::seconds{from}}, name);
    if (slow) {
      ASSERT_EQ(Text(fast), Text(Instant{std::chrono::seconds{*slow}}))
          << name << " " << json << " from " << from;
    } else {
      ASSERT_TRUE(!fast || *fast >= Instant{std::chrono::seconds{limit}})
          << Text(fast) << " " << name << " " << json << " from " << from;
    }
  }
}

// ---------------------------------------------------------------------------------------------------

using std::chrono::seconds;

RetryPolicy Policy(const std::string& rules, const std::string& hours = "") {
  return RetryPolicy::Parse(seconds{3600}, 3, rules, hours, "America/New_York");
}

std::string NextAttempt(const RetryPolicy& policy, const std::string& outcome, int in_all,
                        int others = 0) {
  return Text(NextAttemptAt(policy, outcome, {in_all, others}, Utc("2026-07-01 15:00:00")));
}

TEST(NextAttempt, WaitsForTheInterval) {
  EXPECT_EQ(NextAttempt(Policy(""), "no-answer", 1), "2026-07-01 16:00:00");
  EXPECT_EQ(NextAttempt(Policy(""), "no-answer", 2), "2026-07-01 16:00:00");
}

TEST(NextAttempt, IsNothingWhenAttemptsAreUsedUp) {
  EXPECT_EQ(NextAttempt(Policy(""), "no-answer", 3), "none");
  EXPECT_EQ(NextAttempt(Policy(""), "no-answer", 4), "none");
}

TEST(NextAttempt, RulesOfTheOutcomeReplaceThoseOfTheCampaign) {
  const RetryPolicy policy = Policy(
      R"({"busy":{"delay":600,"backoff":2,"max_tries":5},"voicemail":{"max_attempts":1},"failed":{"backoff":3}})");
  EXPECT_EQ(NextAttempt(policy, "busy", 1), "2026-07-01 15:10:00");
  EXPECT_EQ(NextAttempt(policy, "busy", 3), "2026-07-01 15:40:00");
  EXPECT_EQ(NextAttempt(policy, "busy", 4), "2026-07-01 16:20:00");
  EXPECT_EQ(NextAttempt(policy, "busy", 5), "none");
  EXPECT_EQ(NextAttempt(policy, "voicemail", 1), "none");
  EXPECT_EQ(NextAttempt(policy, "failed", 2), "2026-07-01 18:00:00");
  EXPECT_EQ(NextAttempt(policy, "no-answer", 1), "2026-07-01 16:00:00");
}

TEST(NextAttempt, CountsTriesWithTheOutcomeOnly) {
  const RetryPolicy policy = Policy(R"({"busy":{"delay":600,"backoff":2,"max_tries":2}})");
  EXPECT_EQ(NextAttempt(policy, "busy", 3, 2), "2026-07-01 15:10:00");
  EXPECT_EQ(NextAttempt(policy, "busy", 7, 5), "none");
  EXPECT_EQ(NextAttempt(policy, "busy", 7, 6), "2026-07-01 15:10:00");
  // Without a limit of its own, an outcome ends with the attempts in all.
  EXPECT_EQ(NextAttempt(policy, "no-answer", 3, 2), "none");
  EXPECT_EQ(NextAttempt(policy, "no-answer", 2, 1), "2026-07-01 16:00:00");
}

TEST(NextAttempt, NeverCallsABadNumberAgain) {
  EXPECT_EQ(NextAttempt(Policy(""), "bad-number", 1), "none");
  EXPECT_EQ(NextAttempt(Policy(R"({"bad-number":{"max_tries":9}})"), "bad-number", 1), "none");
}

TEST(NextAttempt, FallsIntoTheCallingWindow) {
  const RetryPolicy policy =
      Policy("", R"({"start":"09:00","end":"11:30","holidays":["2026-07-02"]})");
  EXPECT_EQ(NextAttempt(policy, "busy", 1), "2026-07-03 13:00:00");
}

TEST(NextAttempt, BackOffIsBounded) {
  const RetryPolicy policy =
      Policy(R"({"busy":{"delay":86400,"backoff":1e300,"max_attempts":1000}})");
  EXPECT_EQ(NextAttempt(policy, "busy", 900), "2026-07-31 15:00:00");
  const RetryPolicy at_once = Policy(R"({"busy":{"delay":0,"backoff":1e308,"max_attempts":1000}})");
  EXPECT_EQ(NextAttempt(at_once, "busy", 900), "2026-07-01 15:00:00");
}

TEST(NextAttempt, RefusesMalformedRules) {
  for (const char* rules :
       {"[]", "{\"busy\":1}", "{\"busy\":{\"delay\":-1}}", "{\"busy\":{\"delay\":\"1\"}}",
        "{\"busy\":{\"backoff\":0.5}}", "{\"busy\":{\"max_attempts\":1.5}}",
        "{\"busy\":{\"max_attempts\":-1}}", "{\"busy\":{\"max_tries\":\"2\"}}",
        "{\"busy\":{\"max_tries\":3000000000}}", "{\"busy\":{\"wait\":1}}", "null", "5"}) {
    EXPECT_SB_ERROR(Policy(rules), "22023", "retry rule");
  }
  EXPECT_SB_ERROR(RetryPolicy::Parse(seconds{1}, 1, "", "", "Nowhere"), "22023", "Nowhere");
  EXPECT_SB_ERROR(RetryPolicy::Parse(seconds{-1}, 1, "", "", "UTC"), "22023", "-1");
}

TEST(TryCounts, AddsRemovesAndSumsUp) {
  TryCounts counts = TryCounts::Parse("{}");
  EXPECT_EQ(counts.ToJson(), "{}");
  counts.Add("busy");
  counts.Add("no-answer");
  counts.Add("busy");
  EXPECT_EQ(counts.ToJson(), R"({"busy":2,"no-answer":1})");
  EXPECT_EQ(counts.WithOtherOutcomes("busy"), 1);
  EXPECT_EQ(counts.WithOtherOutcomes("no-answer"), 2);
  EXPECT_EQ(counts.WithOtherOutcomes("machine"), 3);
  counts.Remove("no-answer");
  counts.Remove("machine");
  EXPECT_EQ(TryCounts::Parse(counts.ToJson()).ToJson(), R"({"busy":2})");
}

TEST(TryCounts, PassesOverWhatIsNoCount) {
  EXPECT_EQ(TryCounts::Parse(R"({"a":-1,"b":0,"c":"2","d":1.5,"e":null,"f":3})").ToJson(),
            R"({"f":3})");
  for (const char* junk : {"", "[1]", "5", "{"}) EXPECT_EQ(TryCounts::Parse(junk).ToJson(), "{}");
  EXPECT_EQ(
      TryCounts::Parse(R"({"a":2147483647,"b":2147483647,"c":2147483647})").WithOtherOutcomes("d"),
      1000000);
}

bool Within(std::string_view hours, std::string_view outer) {
  return CallingHours::Parse(hours).Within(CallingHours::Parse(outer));
}

TEST(Within, ComparesEveryMinuteOfTheWeek) {
  EXPECT_TRUE(Within(R"({"start":"09:00","end":"17:00"})", R"({"start":"08:00","end":"21:00"})"));
  EXPECT_TRUE(Within(R"({"start":"08:00","end":"21:00"})", R"({"start":"08:00","end":"21:00"})"));
  EXPECT_FALSE(Within(R"({"start":"07:59","end":"21:00"})", R"({"start":"08:00","end":"21:00"})"));
  EXPECT_FALSE(Within(R"({"start":"08:00","end":"21:01"})", R"({"start":"08:00","end":"21:00"})"));
  EXPECT_FALSE(Within(R"({"start":"09:00","end":"17:00"})",
                      R"({"start":"08:00","end":"21:00","days":["mon"]})"));
  EXPECT_TRUE(Within(R"({"mon":[["09:00","10:00"],["11:00","12:00"]]})",
                     R"({"start":"08:00","end":"21:00","days":["mon"]})"));
  EXPECT_TRUE(Within(R"({"mon":[]})", R"({"tue":[["09:00","10:00"]]})"));
}

TEST(Within, FollowsWindowsPastMidnight) {
  EXPECT_TRUE(Within(R"({"start":"23:00","end":"01:00"})", R"({"start":"22:00","end":"02:00"})"));
  EXPECT_FALSE(Within(R"({"start":"23:00","end":"03:00"})", R"({"start":"22:00","end":"02:00"})"));
  EXPECT_TRUE(Within(R"({"start":"23:00","end":"01:00"})", R"({"start":"00:00","end":"24:00"})"));
  EXPECT_FALSE(Within(R"({"sat":[["23:00","01:00"]]})", R"({"sat":[["00:00","24:00"]]})"));
}

TEST(Within, CountsHolidays) {
  EXPECT_FALSE(Within(R"({"start":"09:00","end":"17:00"})",
                      R"({"start":"09:00","end":"17:00","holidays":["2026-12-25"]})"));
  EXPECT_TRUE(Within(R"({"start":"09:00","end":"17:00","holidays":["2026-12-25","2026-12-26"]})",
                     R"({"start":"09:00","end":"17:00","holidays":["2026-12-25"]})"));
  // The night of Christmas Eve lasts into Christmas, on which the other is closed all day.
  EXPECT_FALSE(Within(R"({"start":"22:00","end":"02:00","holidays":["2026-12-25"]})",
                      R"({"start":"00:00","end":"24:00","holidays":["2026-12-25"]})"));
}

}  // namespace
}  // namespace switchboard::core
