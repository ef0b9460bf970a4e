#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "test/unit/core_expect.hpp"
#include "workers/core/cron_schedule.hpp"
#include "workers/core/local_zone.hpp"

namespace switchboard::core {
namespace {

constexpr char kNewYork[] = "America/New_York";

std::string Next(const std::string& after, const std::string& cron,
                 const std::string& zone = "UTC") {
  return Text(CronSchedule::Parse(cron).Next(Utc(after), zone));
}

// The next n times, each after the one before.
std::vector<std::string> Times(const std::string& after, const std::string& cron,
                               const std::string& zone, int n) {
  const CronSchedule schedule = CronSchedule::Parse(cron);
  std::vector<std::string> times;
  std::optional<Instant> at = Utc(after);
  for (int i = 0; i < n && at; ++i) {
    at = schedule.Next(*at, zone);
    times.push_back(Text(at));
  }
  return times;
}

using Strings = std::vector<std::string>;

TEST(CronSchedule, NextIsAfterNeverAt) {
  EXPECT_EQ(Next("2026-07-01 12:00", "0 12 * * *"), "2026-07-02 12:00:00");
  EXPECT_EQ(Next("2026-07-01 11:59:59.999999", "0 12 * * *"), "2026-07-01 12:00:00");
  EXPECT_EQ(Next("2026-07-01 12:00:00.5", "* * * * *"), "2026-07-01 12:01:00");
  EXPECT_EQ(Next("1969-12-31 23:59:30.5", "* * * * *"), "1970-01-01 00:00:00");
}

TEST(CronSchedule, RangesStepsAndLists) {
  EXPECT_EQ(Times("2026-07-01 00:00", "5,10-14/2,50 3 * * *", "UTC", 6),
            (Strings{"2026-07-01 03:05:00", "2026-07-01 03:10:00", "2026-07-01 03:12:00",
                     "2026-07-01 03:14:00", "2026-07-01 03:50:00", "2026-07-02 03:05:00"}));
  EXPECT_EQ(Times("2026-07-01 00:00", "*/20 */12 * * *", "UTC", 4),
            (Strings{"2026-07-01 00:20:00", "2026-07-01 00:40:00", "2026-07-01 12:00:00",
                     "2026-07-01 12:20:00"}));
  EXPECT_EQ(Next("2026-07-01 00:00", "\t 7  0 *\t* * "), "2026-07-01 00:07:00");
}

TEST(CronSchedule, NamesInAnyCase) {
  EXPECT_EQ(Next("2026-07-04 00:00", "0 9 * * MON-fri"), "2026-07-06 09:00:00");
  EXPECT_EQ(Next("2026-07-04 00:00", "0 9 1 Jan,mar *"), "2027-01-01 09:00:00");
}

TEST(CronSchedule, SundayIsZeroAndSeven) {
  for (const char* const cron : {"0 9 * * 0", "0 9 * * 7", "0 9 * * sun"}) {
    EXPECT_EQ(Next("2026-07-01 00:00", cron), "2026-07-05 09:00:00") << cron;
  }
  EXPECT_EQ(Times("2026-07-01 00:00", "0 9 * * 6-7", "UTC", 3),
            (Strings{"2026-07-04 09:00:00", "2026-07-05 09:00:00", "2026-07-11 09:00:00"}));
  EXPECT_EQ(Times("2026-07-01 00:00", "0 9 * * sat-sun", "UTC", 2),
            (Strings{"2026-07-04 09:00:00", "2026-07-05 09:00:00"}));
  EXPECT_EQ(Times("2026-07-01 00:00", "0 9 * * sun-mon", "UTC", 2),
            (Strings{"2026-07-05 09:00:00", "2026-07-06 09:00:00"}));
}

TEST(CronSchedule, EitherDayIsEnoughWhenBothAreGiven) {
  EXPECT_EQ(Times("2026-07-01 10:00", "0 9 13 * fri", "UTC", 3),
            (Strings{"2026-07-03 09:00:00", "2026-07-10 09:00:00", "2026-07-13 09:00:00"}));
  // A field that begins with * is not given: both must match.
  EXPECT_EQ(Next("2026-07-01 10:00", "0 9 13 * */5"), "2026-09-13 09:00:00");
  EXPECT_EQ(Next("2026-07-01 10:00", "0 9 */2 * mon"), "2026-07-13 09:00:00");
}

TEST(CronSchedule, Macros) {
  EXPECT_EQ(Next("2026-07-01 10:30", "@hourly"), "2026-07-01 11:00:00");
  EXPECT_EQ(Next("2026-07-01 10:30", "@daily"), "2026-07-02 00:00:00");
  EXPECT_EQ(Next("2026-07-01 10:30", "@Midnight"), "2026-07-02 00:00:00");
  EXPECT_EQ(Next("2026-07-01 10:30", "@weekly"), "2026-07-05 00:00:00");
  EXPECT_EQ(Next("2026-07-01 10:30", " @monthly "), "2026-08-01 00:00:00");
  EXPECT_EQ(Next("2026-07-01 10:30", "@yearly"), "2027-01-01 00:00:00");
  EXPECT_EQ(Next("2026-07-01 10:30", "@annually"), "2027-01-01 00:00:00");
}

TEST(CronSchedule, LeapDays) {
  EXPECT_EQ(Next("2026-07-01 00:00", "0 0 29 2 *"), "2028-02-29 00:00:00");
  EXPECT_EQ(Next("1896-07-01 00:00", "0 0 29 2 *"), "1904-02-29 00:00:00");
  EXPECT_EQ(Next("2026-07-01 00:00", "0 0 31 * *"), "2026-07-31 00:00:00");
  EXPECT_EQ(Next("2026-02-01 00:00", "0 0 30,31 2,3 *"), "2026-03-30 00:00:00");
}

TEST(CronSchedule, FollowsTheZone) {
  EXPECT_EQ(Next("2026-07-01 00:00", "0 9 * * *", kNewYork), "2026-07-01 13:00:00");
  EXPECT_EQ(Next("2026-01-01 00:00", "0 9 * * *", kNewYork), "2026-01-01 14:00:00");
  EXPECT_EQ(Next("2026-07-01 00:00", "0 9 * * *", "Asia/Kathmandu"), "2026-07-01 03:15:00");
  EXPECT_EQ(Next("2026-07-01 00:00", "30 0 1 * *", "Pacific/Kiritimati"), "2026-07-31 10:30:00");
}

TEST(CronSchedule, SkippedTimeCountsAsTheFirstInstantAfterTheGap) {
  // 2026-03-08 in New York: 02:00 EST becomes 03:00 EDT, at 07:00 UTC.
  EXPECT_EQ(Times("2026-03-07 12:00", "30 2 * * *", kNewYork, 2),
            (Strings{"2026-03-08 07:00:00", "2026-03-09 06:30:00"}));
  EXPECT_EQ(Next("2026-03-08 06:59:59.5", "30 2 * * *", kNewYork), "2026-03-08 07:00:00");
  EXPECT_EQ(Next("2026-03-08 07:00:00", "30 2 * * *", kNewYork), "2026-03-09 06:30:00");
  // Several skipped times are one, and one with a time that the gap ends with.
  EXPECT_EQ(Times("2026-03-08 06:00", "0,20,40 2 * * *", kNewYork, 2),
            (Strings{"2026-03-08 07:00:00", "2026-03-09 06:00:00"}));
  EXPECT_EQ(Times("2026-03-08 06:00", "0 2,3 * * *", kNewYork, 2),
            (Strings{"2026-03-08 07:00:00", "2026-03-09 06:00:00"}));
  // Samoa had no 30 December 2011.
  EXPECT_EQ(Times("2011-12-29 20:00", "0 9 * * *", "Pacific/Apia", 2),
            (Strings{"2011-12-30 10:00:00", "2011-12-30 19:00:00"}));
}

TEST(CronSchedule, RepeatedTimeCountsOnce) {
  // 2026-11-01 in New York: 02:00 EDT becomes 01:00 EST, at 06:00 UTC.
  EXPECT_EQ(Times("2026-11-01 04:00", "30 1 * * *", kNewYork, 2),
            (Strings{"2026-11-01 05:30:00", "2026-11-02 06:30:00"}));
  EXPECT_EQ(Next("2026-11-01 06:10:00", "30 1 * * *", kNewYork), "2026-11-02 06:30:00");
  EXPECT_EQ(Next("2026-11-01 06:10:00", "0 2 * * *", kNewYork), "2026-11-01 07:00:00");
  EXPECT_EQ(Next("2026-11-01 05:45:00", "0 1,2 * * *", kNewYork), "2026-11-01 07:00:00");
}

TEST(CronSchedule, EveryHourGoesOnThroughClockChanges) {
  EXPECT_EQ(Times("2026-03-08 06:00", "30 * * * *", kNewYork, 2),
            (Strings{"2026-03-08 06:30:00", "2026-03-08 07:30:00"}));
  EXPECT_EQ(Times("2026-11-01 05:00", "30 * * * *", kNewYork, 3),
            (Strings{"2026-11-01 05:30:00", "2026-11-01 06:30:00", "2026-11-01 07:30:00"}));
}

TEST(CronSchedule, EndsOfTime) {
  EXPECT_EQ(CronSchedule::Parse("* * * * *").Next(Instant::max(), "UTC"), std::nullopt);
  EXPECT_EQ(CronSchedule::Parse("* * * * *").Next(Instant::min(), "UTC"), std::nullopt);
  EXPECT_NE(CronSchedule::Parse("* * * * *").Next(Utc("20000-01-01 00:00"), kNewYork),
            std::nullopt);
}

TEST(CronSchedule, BadPartsAreNamed) {
  struct Case {
    const char* cron;
    const char* said;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"", "5 fields are needed, not 0"},
           {"* * * *", "5 fields are needed, not 4: \"* * * *\""},
           {"0 0 * * * *", "not 6"},
           {"@reboot", "not 1: \"@reboot\""},
           {"@daily 5", "not 2"},
           {"60 * * * *", "bad minute \"60\": out of range"},
           {"* 24 * * *", "bad hour \"24\": out of range"},
           {"* * 0 * *", "bad day of month \"0\": out of range"},
           {"* * 32 * *", "bad day of month \"32\""},
           {"* * * 13 *", "bad month \"13\""},
           {"* * * 0 *", "bad month \"0\""},
           {"* * * * 8", "bad day of week \"8\""},
           {"* * * * monday", "bad day of week \"monday\": not a value"},
           {"* * * mon *", "bad month \"mon\": not a value"},
           {"mon * * * *", "bad minute \"mon\""},
           {"5-1 * * * *", "bad minute \"5-1\": the range ends before it starts"},
           {"* * * * fri-mon", "bad day of week \"fri-mon\""},
           {"1,,2 * * * *", "bad minute \"1,,2\": a value is missing"},
           {"1,2, 3 * * *", "bad minute \"1,2,\""},
           {"-5 * * * *", "bad minute \"-5\""},
           {"5- * * * *", "bad minute \"5-\""},
           {"1-2-3 * * * *", "bad minute \"1-2-3\""},
           {"*/0 * * * *", "bad minute \"*/0\": the step is not a positive number"},
           {"*/ * * * *", "bad minute \"*/\""},
           {"*/x * * * *", "bad minute \"*/x\""},
           {"*/5/5 * * * *", "bad minute \"*/5/5\""},
           {"*/90 * * * *", "bad minute \"*/90\": the step is longer"},
           {"5/10 * * * *", "bad minute \"5/10\": a step needs * or a range"},
           {"** * * * *", "bad minute \"**\""},
           {"*-5 * * * *", "bad minute \"*-5\""},
           {"+5 * * * *", "bad minute \"+5\""},
           {"1.5 * * * *", "bad minute \"1.5\""},
           {"99999999999 * * * *", "bad minute"},
           {"0 0 30 2 *", "never comes: \"0 0 30 2 *\""},
           {"0 0 31 2,4,6,9,11 *", "never comes"},
           {"0 0 31 feb */2", "never comes"},
           {"0 0 L * *", "bad day of month \"l\""},
           {"0 0 ? * 1", "bad day of month \"?\""}}) {
    EXPECT_SB_ERROR(CronSchedule::Parse(c.cron), sqlstate::kInvalidParameter, c.said);
  }
  EXPECT_SB_ERROR(CronSchedule::Parse(std::string(5000, '1')), sqlstate::kInvalidParameter,
                  "longer than 1000 characters");
  EXPECT_SB_ERROR(CronSchedule::Parse("* * * * *").Next(Utc("2026-01-01"), "Mars/Olympus"),
                  sqlstate::kInvalidParameter, "unknown time zone \"Mars/Olympus\"");
  EXPECT_NO_THROW(CronSchedule::Parse("0 0 30 2 mon"));
}

// What the class promises, worked out minute by minute: the wall clock is looked at every minute
// of a year in which it changes twice.
class SlowSchedule {
 public:
  std::set<int> minutes, hours, days, months, weekdays;
  bool any_hour = false;

  bool Matches(std::int64_t wall_minute) const {
    const std::int64_t day = wall_minute / 1440;
    const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
    return minutes.contains(static_cast<int>(wall_minute % 60)) &&
           hours.contains(static_cast<int>(wall_minute / 60 % 24)) &&
           months.contains(static_cast<int>(unsigned{date.month()})) &&
           (days.contains(static_cast<int>(unsigned{date.day()})) ||
            weekdays.contains(static_cast<int>((day + 4) % 7)));
  }

  std::vector<UnixSeconds> Run(UnixSeconds from, UnixSeconds to, const LocalZone& zone) const {
    std::vector<UnixSeconds> times;
    std::set<std::int64_t> seen;
    std::optional<std::int64_t> before;
    for (UnixSeconds at = from; at < to; at += 60) {
      const std::int64_t wall = (at + zone.At(at).offset) / 60;
      bool due = Matches(wall) && (any_hour || !seen.contains(wall));
      for (std::int64_t skipped = before.value_or(wall - 1) + 1; skipped < wall; ++skipped) {
        due = due || (!any_hour && Matches(skipped));
      }
      seen.insert(wall);
      before = wall;
      if (due) times.push_back(at);
    }
    return times;
  }
};

std::string List(std::mt19937& random, int min, int max, std::set<int>* values) {
  std::string text;
  const int parts = 1 + static_cast<int>(random() % 3);
  for (int i = 0; i < parts; ++i) {
    const int first = min + static_cast<int>(random() % static_cast<unsigned>(max - min + 1));
    const int last = first + static_cast<int>(random() % static_cast<unsigned>(max - first + 1));
    const int step = 1 + static_cast<int>(random() % 5 % static_cast<unsigned>(max));
    if (i > 0) text += ',';
    text += std::to_string(first) + '-' + std::to_string(last) + '/' + std::to_string(step);
    for (int v = first; v <= last; v += step) values->insert(v);
  }
  return text;
}

TEST(CronSchedule, AgreesWithASlowReckoning) {
  constexpr std::array kZones = {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe",
                                 "Africa/Casablanca", "America/St_Johns", "Asia/Kathmandu"};
  std::mt19937 random(42);
  for (int round = 0; round < 12; ++round) {
    const char* const zone_name = kZones[random() % kZones.size()];
    const LocalZone& zone = *LocalZone::Find(zone_name);
    SlowSchedule slow;
    slow.any_hour = random() % 3 == 0;
    std::string cron = List(random, 0, 59, &slow.minutes) + ' ';
    if (slow.any_hour) {
      for (int h = 0; h < 24; ++h) slow.hours.insert(h);
      cron += "* ";
    } else {
      cron += List(random, 0, 6, &slow.hours) + ' ';
    }
    cron += List(random, 1, 28, &slow.days) + ' ';
    cron += List(random, 1, 12, &slow.months) + ' ';
    cron += List(random, 0, 6, &slow.weekdays);
    const UnixSeconds from = 1767225600;  // 2026-01-01
    const UnixSeconds to = from + 366 * 86400;
    const std::vector<UnixSeconds> expected = slow.Run(from - 86400, to, zone);
    const CronSchedule schedule = CronSchedule::Parse(cron);
    Instant at{std::chrono::seconds{from - 1}};
    for (const UnixSeconds time : expected) {
      if (time < from) continue;
      const auto next = schedule.Next(at, zone_name);
      ASSERT_EQ(Text(next), Text(Instant{std::chrono::seconds{time}}))
          << cron << " in " << zone_name << " after " << Text(at);
      at = *next;
    }
  }
}

}  // namespace
}  // namespace switchboard::core
