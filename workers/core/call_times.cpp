#include "workers/core/call_times.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "workers/core/errors.hpp"

namespace switchboard::core {
namespace {

constexpr std::size_t kHoursOfDay = 24;
constexpr std::size_t kDays = 7;

// What is believed of an hour, a weekday or a segment before any attempt, in attempts.
constexpr double kMarginStrength = 30;
// The usual hours are that much better, in log odds: a rate of 30 % becomes one of 34 %.
constexpr double kUsualBonus = 0.2;
// The strength of a cell's prior before any attempt, the attempts that this is worth, and its limits.
constexpr double kCellStrength = 50;
constexpr double kCellStrengthWeight = 100;
constexpr double kLeastCellStrength = 5;
constexpr double kMostCellStrength = 1000;
// What similar people say of one person, in attempts.
constexpr double kPersonStrength = 5;
// Of two own attempts in the same hour of the week the older one counts this much less.
constexpr double kDecay = 0.9;
// What an attempt says of the same hour of other days.
constexpr double kOtherDays = 0.5;

constexpr int kMostRounds = 500;
constexpr double kPrecision = 1e-10;

double Logit(double rate) { return std::log(rate / (1 - rate)); }
double Rate(double log_odds) { return 1 / (1 + std::exp(-log_odds)); }

void RequireWeek(std::span<const double> rates) {
  if (rates.size() != kHoursOfWeek) {
    throw BadArgument("a week has 168 rates, not " + std::to_string(rates.size()));
  }
}

struct Cell {
  std::size_t segment, weekday, hour;
  double tried, reached;
};

// One hour of the day, weekday or segment.
struct Level {
  double prior = 0;  // log odds on top of the mean
  double effect = 0;
  double tried = 0;
  double reached = 0;
  double expected = 0;
};

// Log odds of a cell: mean + effect of the hour + effect of the weekday + effect of the segment. Each
// effect is held back by kMarginStrength attempts that went as its prior says.
class Margins {
 public:
  Margins(const std::vector<Cell>& cells, std::size_t segments,
          std::span<const std::int64_t> usual_hours)
      : cells_(cells), segments_(segments) {
    double tried = 0;
    double reached = 0;
    for (const Cell& cell : cells_) {
      tried += cell.tried;
      reached += cell.reached;
      for (Level* level : LevelsOf(cell)) {
        level->tried += cell.tried;
        level->reached += cell.reached;
      }
    }
    mean_ = Logit((reached + 1) / (tried + 2));
    for (const std::int64_t hour : usual_hours) {
      if (hour < 0 || hour >= static_cast<std::int64_t>(kHoursOfDay)) {
        throw BadArgument("a day has no hour " + std::to_string(hour));
      }
      Level& level = hours_[static_cast<std::size_t>(hour)];
      level.prior = level.effect = kUsualBonus;
    }
    for (int round = 0; round < kMostRounds && Step() > kPrecision; ++round) {
    }
  }

  double At(std::size_t segment, std::size_t weekday, std::size_t hour) const {
    return Rate(mean_ + segments_[segment].effect + weekdays_[weekday].effect +
                hours_[hour].effect);
  }

  double OfEverybody(std::size_t weekday, std::size_t hour) const {
    return Rate(mean_ + weekdays_[weekday].effect + hours_[hour].effect);
  }

  // How many numbers were fitted: levels that were tried, less those that the others determine.
  double Fitted() const {
    const auto tried = [](const auto& levels) {
      return std::count_if(levels.begin(), levels.end(), [](const Level& l) { return l.tried > 0; });
    };
    return static_cast<double>(tried(hours_) + tried(weekdays_) + tried(segments_) - 2);
  }

 private:
  std::array<Level*, 3> LevelsOf(const Cell& cell) {
    return {&hours_[cell.hour], &weekdays_[cell.weekday], &segments_[cell.segment]};
  }

  // Moves each family of levels to where it explains its attempts, the others being as they are;
  // returns the longest move. A move never goes too far, because the spread of rates within a level
  // makes it fall short.
  double Step() {
    double longest = 0;
    for (std::size_t family = 0; family < 3; ++family) {
      for (const Cell& cell : cells_) {
        LevelsOf(cell)[family]->expected += cell.tried * At(cell.segment, cell.weekday, cell.hour);
      }
      const std::span<Level> levels = family == 0   ? std::span<Level>(hours_)
                                      : family == 1 ? std::span<Level>(weekdays_)
                                                    : std::span<Level>(segments_);
      for (Level& level : levels) {
        longest = std::max(longest, std::abs(Move(level)));
      }
    }
    return longest;
  }

  double Move(Level& level) const {
    const double tried = level.tried + kMarginStrength;
    const double seen = level.reached + kMarginStrength * Rate(mean_ + level.prior);
    const double expected = level.expected + kMarginStrength * Rate(mean_ + level.effect);
    const double move = Logit(seen / tried) - Logit(expected / tried);
    level.effect += move;
    level.expected = 0;
    return move;
  }

  const std::vector<Cell>& cells_;
  double mean_ = 0;
  std::array<Level, kHoursOfDay> hours_;
  std::array<Level, kDays> weekdays_;
  std::vector<Level> segments_;
};

std::vector<Cell> TriedCells(std::span<const std::int64_t> tried,
                             std::span<const std::int64_t> reached) {
  if (tried.size() != reached.size() || tried.size() % kHoursOfWeek != 0) {
    throw BadArgument("cells must be whole weeks, as many reached as tried, not " +
                      std::to_string(tried.size()) + " and " + std::to_string(reached.size()));
  }
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < tried.size(); ++i) {
    if (reached[i] < 0 || reached[i] > tried[i]) {
      throw BadArgument("of " + std::to_string(tried[i]) + " attempts " +
                        std::to_string(reached[i]) + " cannot have reached anybody");
    }
    if (tried[i] > 0) {
      const std::size_t hour = i % kHoursOfWeek;
      cells.push_back({i / kHoursOfWeek, hour / kHoursOfDay, hour % kHoursOfDay,
                       static_cast<double>(tried[i]), static_cast<double>(reached[i])});
    }
  }
  return cells;
}

// How many attempts the margins are worth as the prior of a cell: the less cells deviate from them
// beyond chance, the more. By moments: of a beta-binomial cell of n attempts, the expected square of
// (share - rate) * sqrt(n / (rate * (1 - rate))) is 1 + (n - 1) / (strength + 1).
double CellStrength(const std::vector<Cell>& cells, const Margins& margins) {
  double deviation = 0;
  double tried = 0;
  for (const Cell& cell : cells) {
    const double rate = margins.At(cell.segment, cell.weekday, cell.hour);
    const double off = cell.reached - cell.tried * rate;
    deviation += off * off / (cell.tried * rate * (1 - rate));
    tried += cell.tried;
  }
  const double free = std::max(0.0, static_cast<double>(cells.size()) - margins.Fitted());
  const double spread =
      (std::max(0.0, deviation - free) + kCellStrengthWeight / (kCellStrength + 1)) /
      (tried - static_cast<double>(cells.size()) + kCellStrengthWeight);
  return std::clamp(1 / spread - 1, kLeastCellStrength, kMostCellStrength);
}

}  // namespace

std::vector<double> CallTimeRates(std::span<const std::int64_t> tried,
                                  std::span<const std::int64_t> reached,
                                  std::span<const std::int64_t> usual_hours) {
  const std::vector<Cell> cells = TriedCells(tried, reached);
  const std::size_t segments = tried.size() / kHoursOfWeek;
  const Margins margins(cells, segments, usual_hours);
  const double strength = CellStrength(cells, margins);

  std::vector<double> rates;
  rates.reserve(tried.size() + kHoursOfWeek);
  const auto add = [&rates, strength](double prior, double n, double y) {
    rates.push_back((y + strength * prior) / (n + strength));
  };
  std::array<double, kHoursOfWeek> all_tried{};
  std::array<double, kHoursOfWeek> all_reached{};
  for (std::size_t i = 0; i < tried.size(); ++i) {
    const std::size_t hour = i % kHoursOfWeek;
    const auto n = static_cast<double>(tried[i]);
    const auto y = static_cast<double>(reached[i]);
    add(margins.At(i / kHoursOfWeek, hour / kHoursOfDay, hour % kHoursOfDay), n, y);
    all_tried[hour] += n;
    all_reached[hour] += y;
  }
  for (std::size_t hour = 0; hour < kHoursOfWeek; ++hour) {
    add(margins.OfEverybody(hour / kHoursOfDay, hour % kHoursOfDay), all_tried[hour],
        all_reached[hour]);
  }
  return rates;
}

std::vector<double> PersonalRates(std::span<const double> rates,
                                  std::span<const std::int64_t> attempts) {
  RequireWeek(rates);
  struct Own {
    double tried = 0, reached = 0, weight = 1;
  };
  std::array<Own, kHoursOfWeek> own;
  std::array<Own, kHoursOfDay> any_day;
  for (const std::int64_t attempt : attempts) {
    constexpr auto kLast = static_cast<std::int64_t>(kHoursOfWeek);
    if (attempt == 0 || attempt < -kLast || attempt > kLast) {
      throw BadArgument("an attempt must be 1 to 168 or -1 to -168, not " + std::to_string(attempt));
    }
    const bool reached = attempt > 0;
    const auto place = static_cast<std::size_t>(reached ? attempt : -attempt) - 1;
    Own& cell = own[place];
    Own& hour = any_day[place % kHoursOfDay];
    cell.tried += cell.weight;
    hour.tried += cell.weight;
    if (reached) {
      cell.reached += cell.weight;
      hour.reached += cell.weight;
    }
    cell.weight *= kDecay;
  }
  std::vector<double> personal(rates.begin(), rates.end());
  for (std::size_t i = 0; i < kHoursOfWeek; ++i) {
    const Own& cell = own[i];
    const Own& hour = any_day[i % kHoursOfDay];
    const double n = cell.tried + kOtherDays * (hour.tried - cell.tried);
    const double y = cell.reached + kOtherDays * (hour.reached - cell.reached);
    if (rates[i] > 0) {
      personal[i] = (y + kPersonStrength * rates[i]) / (n + kPersonStrength);
    }
  }
  return personal;
}

namespace {

struct Window {
  std::size_t first = 0, hours = 0;
  double sum = 0;
};

// The best of a day; without hours when it offers none. Of equals the earliest.
Window BestOfDay(std::span<const double> rates) {
  // What arithmetic makes of equal rates may differ in the last digits.
  constexpr double kEqual = 1e-12;
  Window best;
  for (std::size_t hour = 0; hour < rates.size(); ++hour) {
    if (rates[hour] <= 0) continue;
    const bool pair = hour + 1 < rates.size() && rates[hour + 1] > 0;
    const Window window{hour, pair ? 2u : 1u, rates[hour] + (pair ? rates[hour + 1] : 0)};
    if (window.hours > best.hours ||
        (window.hours == best.hours && window.sum > best.sum + kEqual)) {
      best = window;
    }
  }
  return best;
}

}  // namespace

std::optional<int> BestCallWindow(std::span<const double> rates, int now) {
  RequireWeek(rates);
  if (now < 0 || now >= static_cast<int>(kHoursOfWeek)) {
    throw BadArgument("a week has no hour " + std::to_string(now));
  }
  const std::size_t today = static_cast<std::size_t>(now) / kHoursOfDay;
  const std::size_t hour = static_cast<std::size_t>(now) % kHoursOfDay;
  // Today comes twice: what is over today may be offered in a week.
  for (std::size_t ahead = 0; ahead <= kDays; ++ahead) {
    const std::size_t start = (today + ahead) % kDays * kHoursOfDay;
    const Window best = BestOfDay(rates.subspan(start, kHoursOfDay));
    if (best.hours > 0 && (ahead > 0 || best.first + best.hours > hour)) {
      return static_cast<int>(start + best.first);
    }
  }
  return std::nullopt;
}

}  // namespace switchboard::core
