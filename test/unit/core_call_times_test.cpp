#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "test/unit/core_expect.hpp"
#include "workers/core/call_times.hpp"
#include "workers/core/calling_hours.hpp"

namespace switchboard::core {
namespace {

using Counts = std::vector<std::int64_t>;

constexpr std::array<std::int64_t, 2> kAfternoon = {14, 15};

double Rate(double log_odds) { return 1 / (1 + std::exp(-log_odds)); }

int HourOfWeek(int day, int hour) { return 24 * day + hour; }

// Hours from eight to nine in the evening are offered.
std::vector<double> Lawful(std::vector<double> rates) {
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (i % 24 < 8 || i % 24 > 20) rates[i] = 0;
  }
  return rates;
}

std::vector<double> Week(const std::vector<double>& rates, std::size_t segment) {
  const auto start = rates.begin() + static_cast<std::ptrdiff_t>(kHoursOfWeek * segment);
  return {start, start + static_cast<std::ptrdiff_t>(kHoursOfWeek)};
}

struct Calls {
  explicit Calls(std::size_t segments)
      : tried(segments * kHoursOfWeek), reached(segments * kHoursOfWeek) {}

  void Make(std::size_t segment, int day, int hour, double rate, std::mt19937& random) {
    const std::size_t at = kHoursOfWeek * segment + static_cast<std::size_t>(HourOfWeek(day, hour));
    ++tried[at];
    if (std::bernoulli_distribution(rate)(random)) ++reached[at];
  }

  std::vector<double> Rates() const { return CallTimeRates(tried, reached, kAfternoon); }

  Counts tried, reached;
};

TEST(CallTimeRates, WithoutCallsTheUsualHoursAreALittleBetter) {
  const std::vector<double> rates = CallTimeRates({}, {}, kAfternoon);
  ASSERT_EQ(rates.size(), kHoursOfWeek);
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const bool usual = i % 24 == 14 || i % 24 == 15;
    EXPECT_NEAR(rates[i], usual ? Rate(std::log(0.3 / 0.7) + 0.4) : 0.3, 1e-12) << i;
  }
  EXPECT_EQ(BestCallWindow(Lawful(rates), HourOfWeek(2, 9)), HourOfWeek(2, 14));
}

// The same estimates found in another way: one effect after the other, over and over.
struct Reckoning {
  explicit Reckoning(const Calls& calls)
      : tried(calls.tried), reached(calls.reached), segments(tried.size() / kHoursOfWeek) {
    segment.resize(segments);
    for (int round = 0; round < 3000; ++round) {
      const double rate = Rate(mean);
      Move(mean, 20 * (0.3 - rate), 20 * rate * (1 - rate), [](std::size_t) { return true; });
      for (std::size_t h = 0; h < 24; ++h) {
        const double prior = h == 14 || h == 15 ? 0.4 : 0;
        Move(hour[h], (prior - hour[h]) / 0.16, 1 / 0.16,
             [h](std::size_t i) { return i % 24 == h; });
      }
      for (std::size_t d = 0; d < 7; ++d) {
        Move(day[d], -day[d] / 0.16, 1 / 0.16, [d](std::size_t i) { return i / 24 % 7 == d; });
      }
      for (std::size_t s = 0; s < segments; ++s) {
        Move(segment[s], -segment[s] / 0.16, 1 / 0.16, [s](std::size_t i) { return i / 168 == s; });
      }
    }
  }

  double Margin(std::size_t i) const {
    return Rate(mean + hour[i % 24] + day[i / 24 % 7] + segment[i / 168]);
  }

  template <class Mine>
  void Move(double& effect, double slope, double curvature, Mine mine) {
    for (std::size_t i = 0; i < tried.size(); ++i) {
      if (tried[i] == 0 || !mine(i)) continue;
      const double margin = Margin(i);
      slope += static_cast<double>(reached[i]) - static_cast<double>(tried[i]) * margin;
      curvature += static_cast<double>(tried[i]) * margin * (1 - margin);
    }
    effect += slope / curvature;
  }

  double Strength() const {
    double deviation = 0, n = 0;
    int cells = 0;
    std::array<bool, 24> hours{};
    std::array<bool, 7> days{};
    std::vector<bool> people(segments);
    for (std::size_t i = 0; i < tried.size(); ++i) {
      if (tried[i] == 0) continue;
      const double m = Margin(i);
      const auto t = static_cast<double>(tried[i]);
      const double share = static_cast<double>(reached[i]) / t;
      deviation += t * (share - m) * (share - m) / (m * (1 - m));
      n += t;
      ++cells;
      hours[i % 24] = days[i / 24 % 7] = people[i / 168] = true;
    }
    const auto count = [](const auto& seen) { return std::count(seen.begin(), seen.end(), true); };
    const double fitted = static_cast<double>(count(hours) + count(days) + count(people) - 2);
    const double spread =
        (std::max(0.0, deviation - std::max(0.0, cells - fitted)) + 100.0 / 51) / (n - cells + 100);
    return std::min(1000.0, std::max(5.0, 1 / spread - 1));
  }

  const Counts& tried;
  const Counts& reached;
  std::size_t segments;
  double mean = 0;
  std::array<double, 24> hour{};
  std::array<double, 7> day{};
  std::vector<double> segment;
};

TEST(CallTimeRates, AreThoseOfAnIndependentReckoning) {
  std::mt19937 random(20261121);
  std::vector<double> strengths;
  for (const double noise : {0.0, 0.3, 1.5}) {
    Calls calls(3);
    std::normal_distribution<double> effect(0, 1);
    for (std::size_t segment = 0; segment < 3; ++segment) {
      for (int day = 0; day < 7; ++day) {
        for (int hour = 8; hour < 21; ++hour) {
          const double rate = Rate(-1 + 0.4 * static_cast<double>(segment) + 0.5 * std::sin(hour) +
                                   0.2 * day * (day > 4) + noise * effect(random));
          const auto n = random() % 60 * (random() % 4 != 0);
          for (std::size_t call = 0; call < n; ++call) calls.Make(segment, day, hour, rate, random);
        }
      }
    }
    const Reckoning reckoning(calls);
    const double strength = reckoning.Strength();
    strengths.push_back(strength);
    const std::vector<double> rates = calls.Rates();
    ASSERT_EQ(rates.size(), 4 * kHoursOfWeek);
    for (std::size_t i = 0; i < calls.tried.size(); ++i) {
      const auto n = static_cast<double>(calls.tried[i]);
      const auto y = static_cast<double>(calls.reached[i]);
      EXPECT_NEAR(rates[i], (y + strength * reckoning.Margin(i)) / (n + strength), 1e-8) << i;
    }
    for (std::size_t i = 0; i < kHoursOfWeek; ++i) {
      double n = 0, y = 0;
      for (std::size_t s = 0; s < 3; ++s) {
        n += static_cast<double>(calls.tried[168 * s + i]);
        y += static_cast<double>(calls.reached[168 * s + i]);
      }
      const double margin = Rate(reckoning.mean + reckoning.hour[i % 24] + reckoning.day[i / 24]);
      EXPECT_NEAR(rates[3 * 168 + i], (y + strength * margin) / (n + strength), 1e-8) << i;
    }
  }
  // The more hours deviate from their margins, the less these say about an hour.
  EXPECT_GT(strengths[0], 100);
  EXPECT_GT(strengths[0], strengths[1]);
  EXPECT_GT(strengths[1], strengths[2]);
}

// People answer 20 % of calls, and 45 % from 18 to 20 o'clock. How many of 100 tenants are told a
// window that touches these hours, after so many calls at random hours?
int TenantsThatLearned(int calls_made, double planted) {
  int learned = 0;
  for (unsigned tenant = 0; tenant < 100; ++tenant) {
    std::mt19937 random(tenant * 7919 + 1);
    Calls calls(1);
    for (int i = 0; i < calls_made; ++i) {
      const int day = static_cast<int>(random() % 5);
      const int hour = 8 + static_cast<int>(random() % 13);
      calls.Make(0, day, hour, hour == 18 || hour == 19 ? planted : 0.2, random);
    }
    const int best = *BestCallWindow(Lawful(Week(calls.Rates(), 0)), HourOfWeek(2, 8)) % 24;
    learned += best == 18;
  }
  return learned;
}

int TenantsThatStay(int calls_made) {
  int stayed = 0;
  for (unsigned tenant = 0; tenant < 100; ++tenant) {
    std::mt19937 random(tenant * 104729 + 1);
    Calls calls(1);
    for (int i = 0; i < calls_made; ++i) {
      calls.Make(0, static_cast<int>(random() % 5), 8 + static_cast<int>(random() % 13), 0.2,
                 random);
    }
    stayed += BestCallWindow(Lawful(Week(calls.Rates(), 0)), HourOfWeek(2, 8)) == HourOfWeek(2, 14);
  }
  return stayed;
}

TEST(CallTimeRates, FindAPlantedHourWhenThereAreCallsEnough) {
  const int few = TenantsThatLearned(200, 0.45);
  const int some = TenantsThatLearned(1000, 0.45);
  const int many = TenantsThatLearned(5000, 0.45);
  RecordProperty("learned",
                 std::to_string(few) + " " + std::to_string(some) + " " + std::to_string(many));
  EXPECT_GE(few, 20);
  EXPECT_GE(some, 80);
  EXPECT_GE(many, 97);
  EXPECT_LE(few, some);
}

TEST(CallTimeRates, StayWithTheUsualHoursWhileFewCallsSayOtherwise) {
  EXPECT_GE(TenantsThatStay(10), 95);
  EXPECT_GE(TenantsThatStay(30), 60);
}

TEST(CallTimeRates, DoNotBlameTheHourForThePeopleWhoWereCalledThen) {
  // Companies answer 10 % and are called in the morning, others 40 % and are called in the evening.
  std::mt19937 random(3);
  Calls calls(2);
  for (int i = 0; i < 20000; ++i) {
    const bool company = random() % 2 == 0;
    const bool usually = random() % 10 != 0;
    const bool morning = company == usually;
    const int hour = (morning ? 9 : 17) + static_cast<int>(random() % 3);
    calls.Make(company ? 0 : 1, static_cast<int>(random() % 5), hour, company ? 0.1 : 0.4, random);
  }
  const std::vector<double> rates = calls.Rates();
  for (std::size_t segment = 0; segment < 2; ++segment) {
    const std::vector<double> week = Week(rates, segment);
    const double expected = segment == 0 ? 0.1 : 0.4;
    for (const int hour : {9, 10, 11, 17, 18, 19}) {
      EXPECT_NEAR(week[static_cast<std::size_t>(HourOfWeek(1, hour))], expected, 0.06)
          << segment << " at " << hour;
    }
  }
}

TEST(CallTimeRates, AreNeverCertain) {
  Calls calls(1);
  for (std::size_t i = 0; i < kHoursOfWeek; ++i) {
    calls.tried[i] = 1'000'000'000;
    calls.reached[i] = i % 2 == 0 ? 1'000'000'000 : 0;
  }
  for (const double rate : calls.Rates()) {
    EXPECT_TRUE(std::isfinite(rate));
    EXPECT_GT(rate, 0);
    EXPECT_LT(rate, 1);
  }
  calls.reached = calls.tried;
  for (const double rate : calls.Rates()) {
    EXPECT_GT(rate, 0.999);
    EXPECT_LT(rate, 1);
  }
}

TEST(CallTimeRates, RefusesCountsThatDoNotFit) {
  const Counts week(kHoursOfWeek, 1);
  EXPECT_SB_ERROR(CallTimeRates(Counts(5, 1), Counts(5, 1), {}), "22023", "whole weeks");
  EXPECT_SB_ERROR(CallTimeRates(week, {}, {}), "22023", "168 and 0");
  EXPECT_SB_ERROR(CallTimeRates(week, Counts(kHoursOfWeek, 2), {}), "22023", "of 1 attempts 2");
  EXPECT_SB_ERROR(CallTimeRates(week, Counts(kHoursOfWeek, -1), {}), "22023", "of 1 attempts -1");
  EXPECT_SB_ERROR(CallTimeRates(Counts(1001 * kHoursOfWeek), Counts(1001 * kHoursOfWeek), {}),
                  "22023", "not 1001");
  const Counts no_hour = {24};
  EXPECT_SB_ERROR(CallTimeRates({}, {}, no_hour), "22023", "no hour 24");
}

TEST(PersonalRates, OwnAttemptsCountOnTopOfSimilarPeople) {
  const std::vector<double> similar(kHoursOfWeek, 0.3);
  const int wednesday_six = HourOfWeek(2, 18);
  // Reached twice on Wednesday at six, the older time in vain; once in vain on Friday at six.
  const Counts attempts = {wednesday_six + 1, wednesday_six + 1, -(wednesday_six + 1),
                           -(HourOfWeek(4, 18) + 1)};
  const std::vector<double> rates = PersonalRates(similar, attempts);
  const auto at = [&rates](int day, int hour) {
    return rates[static_cast<std::size_t>(HourOfWeek(day, hour))];
  };
  EXPECT_NEAR(at(2, 18), (1 + 0.9 + 5 * 0.3) / (1 + 0.9 + 0.81 + 0.5 + 5), 1e-12);
  EXPECT_NEAR(at(4, 18), (0.5 * 1.9 + 5 * 0.3) / (1 + 0.5 * 2.71 + 5), 1e-12);
  EXPECT_NEAR(at(0, 18), (0.5 * 1.9 + 5 * 0.3) / (0.5 * 3.71 + 5), 1e-12);
  EXPECT_NEAR(at(2, 17), 0.3, 1e-12);
}

TEST(PersonalRates, RepeatedFailuresLowerAnHourButNeverToNothing) {
  const std::vector<double> similar(kHoursOfWeek, 0.3);
  double before = 0.3;
  for (std::size_t n = 1; n <= 500; n += 7) {
    const double now = PersonalRates(similar, Counts(n, -11))[10];
    EXPECT_LE(now, before);
    EXPECT_GT(now, 0.09);
    before = now;
  }
}

TEST(PersonalRates, AFewAnswersAtOneHourMoveTheWindowThere) {
  const std::vector<double> nothing_known = Lawful(CallTimeRates({}, {}, kAfternoon));
  // Answered at six on so many days from Thursday on; what about Wednesday?
  const auto best_after = [&nothing_known](int days) {
    Counts attempts;
    for (int day = 0; day < days; ++day) attempts.push_back(HourOfWeek((day + 3) % 7, 18) + 1);
    return *BestCallWindow(PersonalRates(nothing_known, attempts), HourOfWeek(2, 8)) % 24;
  };
  EXPECT_EQ(best_after(1), 14);
  EXPECT_EQ(best_after(2), 14);
  EXPECT_EQ(best_after(4), 17);
  EXPECT_EQ(best_after(6), 17);
}

TEST(PersonalRates, HoursThatAreNotOfferedStayOut) {
  std::vector<double> similar(kHoursOfWeek, 0.3);
  similar[10] = 0;
  EXPECT_EQ(PersonalRates(similar, Counts(3, 11))[10], 0);
}

TEST(PersonalRates, RefusesWhatIsNoWeek) {
  EXPECT_SB_ERROR(PersonalRates(std::vector<double>(24, 0.3), {}), "22023", "168 rates, not 24");
  for (const std::int64_t attempt : {std::int64_t{0}, std::int64_t{169}, std::int64_t{-169},
                                     std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_SB_ERROR(PersonalRates(std::vector<double>(kHoursOfWeek, 0.3), Counts{attempt}), "22023",
                    "an attempt must be");
  }
}

TEST(BestCallWindow, IsTheBestPairOfTheDay) {
  std::vector<double> rates(kHoursOfWeek, 0.2);
  rates[static_cast<std::size_t>(HourOfWeek(0, 9))] = 0.5;   // alone
  rates[static_cast<std::size_t>(HourOfWeek(0, 17))] = 0.4;  // together
  rates[static_cast<std::size_t>(HourOfWeek(0, 18))] = 0.4;
  EXPECT_EQ(BestCallWindow(rates, HourOfWeek(0, 0)), HourOfWeek(0, 17));
  EXPECT_EQ(BestCallWindow(rates, HourOfWeek(0, 18)), HourOfWeek(0, 17)) << "not over yet";
  EXPECT_EQ(BestCallWindow(rates, HourOfWeek(0, 19)), HourOfWeek(1, 0)) << "over: the next day's";
  EXPECT_EQ(BestCallWindow(rates, HourOfWeek(5, 1)), HourOfWeek(5, 0)) << "of equals the first";
}

TEST(BestCallWindow, OffersOnlyOpenHours) {
  std::vector<double> rates(kHoursOfWeek, 0);
  EXPECT_EQ(BestCallWindow(rates, 5), std::nullopt);
  const int friday_ten = HourOfWeek(4, 10);
  rates[static_cast<std::size_t>(friday_ten)] = 0.9;
  EXPECT_EQ(BestCallWindow(rates, 0), friday_ten) << "one hour where there are no two";
  EXPECT_EQ(BestCallWindow(rates, friday_ten + 1), friday_ten) << "in a week";
  rates[static_cast<std::size_t>(HourOfWeek(4, 14))] = 0.1;
  rates[static_cast<std::size_t>(HourOfWeek(4, 15))] = 0.1;
  EXPECT_EQ(BestCallWindow(rates, 0), HourOfWeek(4, 14)) << "two where there are";
  rates[static_cast<std::size_t>(HourOfWeek(4, 23))] = 0.9;
  rates[static_cast<std::size_t>(HourOfWeek(5, 0))] = 0.9;
  EXPECT_EQ(BestCallWindow(rates, 0), HourOfWeek(4, 14)) << "a window does not pass midnight";
}

TEST(BestCallWindow, RefusesWhatIsNoWeek) {
  EXPECT_SB_ERROR(BestCallWindow(std::vector<double>(167, 0.3), 0), "22023", "not 167");
  EXPECT_SB_ERROR(BestCallWindow(std::vector<double>(kHoursOfWeek, 0.3), 168), "22023",
                  "no hour 168");
  EXPECT_SB_ERROR(BestCallWindow(std::vector<double>(kHoursOfWeek, 0.3), -1), "22023",
                  "no hour -1");
}

TEST(OpenHours, AreWholeHours) {
  const auto open =
      CallingHours::Parse(R"({"mon":[["09:30","12:15"]],"sun":[["22:00","01:30"]]})").OpenHours();
  std::string hours;
  for (std::size_t i = 0; i < open.size(); ++i) {
    if (open[i]) hours += std::to_string(i) + " ";
  }
  EXPECT_EQ(hours, "0 10 11 166 167 ") << "Sunday's window runs into Monday";
  EXPECT_TRUE(CallingHours::Always().OpenHours().all());
  EXPECT_EQ(CallingHours::Parse(
                R"({"start":"08:00","end":"21:00","days":["sat"],"holidays":["2026-12-26"]})")
                .OpenHours()
                .count(),
            13u);
}

}  // namespace
}  // namespace switchboard::core
