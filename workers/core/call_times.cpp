#include "workers/core/call_times.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "workers/core/errors.hpp"

namespace switchboard::core {
namespace {

constexpr std::size_t kHoursOfDay = 24;
constexpr std::size_t kDays = 7;

constexpr std::size_t kMostSegments = 1000;

// How many calls are believed to be answered before any was made, and the attempts that this is
// worth.
constexpr double kMeanRate = 0.3;
constexpr double kMeanStrength = 20;
// What hours of the day, weekdays and segments are believed to differ by before any attempt: the
// standard deviation of their effects, in log odds.
constexpr double kEffectDeviation = 0.4;
// The usual hours are believed to be that much better, in log odds: 39 % where others have 30 %.
constexpr double kUsualBonus = 0.4;
// The strength of a cell's prior before any attempt, the attempts that this is worth, and its
// limits.
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

constexpr int kMostRounds = 50;
constexpr int kMostHalvings = 30;
constexpr double kPrecision = 1e-10;

// Nothing is certain, whatever the counts: 0 and 1 have no log odds.
double Uncertain(double rate) { return std::clamp(rate, 1e-9, 1 - 1e-9); }
double Logit(double rate) { return std::log(Uncertain(rate) / (1 - Uncertain(rate))); }
double Rate(double log_odds) { return Uncertain(1 / (1 + std::exp(-log_odds))); }

void RequireWeek(std::span<const double> rates) {
  if (rates.size() != kHoursOfWeek) {
    throw BadArgument("a week has 168 rates, not " + std::to_string(rates.size()));
  }
}

struct Cell {
  std::size_t segment, weekday, hour;
  double tried, reached;
};

// The solution of matrix * x = right for a symmetric positive definite matrix, by Cholesky.
std::vector<double> Solve(std::vector<double> matrix, std::vector<double> right) {
  const std::size_t n = right.size();
  const auto at = [&matrix, n](std::size_t row, std::size_t column) -> double& {
    return matrix[row * n + column];
  };
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      double rest = at(row, column);
      for (std::size_t k = 0; k < column; ++k) rest -= at(row, k) * at(column, k);
      at(row, column) = row == column ? std::sqrt(rest) : rest / at(column, column);
    }
  }
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t k = 0; k < row; ++k) right[row] -= at(row, k) * right[k];
    right[row] /= at(row, row);
  }
  for (std::size_t row = n; row-- > 0;) {
    for (std::size_t k = row + 1; k < n; ++k) right[row] -= at(k, row) * right[k];
    right[row] /= at(row, row);
  }
  return right;
}

// Log odds of a cell: mean + effect of the hour + effect of the weekday + effect of the segment,
// the most likely ones when effects are normal around their priors, by Newton's method.
class Margins {
 public:
  Margins(const std::vector<Cell>& cells, std::size_t segments,
          std::span<const std::int64_t> usual_hours)
      : cells_(cells), prior_(kFirstSegment + segments), is_tried_(prior_.size()) {
    for (const std::int64_t hour : usual_hours) {
      if (hour < 0 || hour >= static_cast<std::int64_t>(kHoursOfDay)) {
        throw BadArgument("a day has no hour " + std::to_string(hour));
      }
      prior_[kFirstHour + static_cast<std::size_t>(hour)] = kUsualBonus;
    }
    double tried = kMeanStrength;
    double reached = kMeanStrength * kMeanRate;
    for (const Cell& cell : cells_) {
      tried += cell.tried;
      reached += cell.reached;
      for (const std::size_t i : Terms(cell)) is_tried_[i] = true;
    }
    effects_ = prior_;
    effects_[kMean] = Logit(reached / tried);
    for (int round = 0; round < kMostRounds && Improve() > kPrecision; ++round) {
    }
  }

  double At(std::size_t segment, std::size_t weekday, std::size_t hour) const {
    return RateOf(effects_, {segment, weekday, hour, 0, 0});
  }

  double OfEverybody(std::size_t weekday, std::size_t hour) const {
    return Rate(effects_[kMean] + effects_[kFirstWeekday + weekday] + effects_[kFirstHour + hour]);
  }

  // How many numbers were fitted: the mean and the effects of what was tried, less those that the
  // others of the three kinds determine.
  double Fitted() const {
    return static_cast<double>(std::count(is_tried_.begin(), is_tried_.end(), true)) - 3;
  }

 private:
  using Effects = std::vector<double>;

  // Where effects of each kind begin.
  static constexpr std::size_t kMean = 0;
  static constexpr std::size_t kFirstHour = 1;
  static constexpr std::size_t kFirstWeekday = kFirstHour + kHoursOfDay;
  static constexpr std::size_t kFirstSegment = kFirstWeekday + kDays;

  static std::array<std::size_t, 4> Terms(const Cell& cell) {
    return {kMean, kFirstHour + cell.hour, kFirstWeekday + cell.weekday,
            kFirstSegment + cell.segment};
  }

  static double RateOf(const Effects& effects, const Cell& cell) {
    double log_odds = 0;
    for (const std::size_t i : Terms(cell)) log_odds += effects[i];
    return Rate(log_odds);
  }

  double LogLikelihood(const Effects& effects) const {
    const auto seen = [](double rate, double tried, double reached) {
      return reached * std::log(rate) + (tried - reached) * std::log(1 - rate);
    };
    double sum = seen(Rate(effects[kMean]), kMeanStrength, kMeanStrength * kMeanRate);
    for (const Cell& cell : cells_) sum += seen(RateOf(effects, cell), cell.tried, cell.reached);
    for (std::size_t i = kFirstHour; i < effects.size(); ++i) {
      const double off = (effects[i] - prior_[i]) / kEffectDeviation;
      sum -= off * off / 2;
    }
    return sum;
  }

  // Newton's step: the solution of curvature * step = slope.
  Effects NewtonStep() const {
    const std::size_t n = effects_.size();
    const double mean = Rate(effects_[kMean]);
    constexpr double kPrecisionOfPrior = 1 / (kEffectDeviation * kEffectDeviation);
    std::vector<double> curvature(n * n);
    Effects slope(n);
    slope[kMean] = kMeanStrength * (kMeanRate - mean);
    curvature[kMean] = kMeanStrength * mean * (1 - mean);
    for (std::size_t i = kFirstHour; i < n; ++i) {
      slope[i] = kPrecisionOfPrior * (prior_[i] - effects_[i]);
      curvature[i * n + i] = kPrecisionOfPrior;
    }
    for (const Cell& cell : cells_) {
      const double rate = RateOf(effects_, cell);
      const double spread = cell.tried * rate * (1 - rate);
      for (const std::size_t i : Terms(cell)) {
        slope[i] += cell.reached - cell.tried * rate;
        for (const std::size_t j : Terms(cell)) curvature[i * n + j] += spread;
      }
    }
    return Solve(std::move(curvature), std::move(slope));
  }

  // A step, shorter if it went too far; returns its longest part, 0 at the top.
  double Improve() {
    const Effects step = NewtonStep();
    const double before = LogLikelihood(effects_);
    double share = 1;
    for (int halving = 0; halving < kMostHalvings; ++halving, share /= 2) {
      Effects tried = effects_;
      double longest = 0;
      for (std::size_t i = 0; i < tried.size(); ++i) {
        tried[i] += share * step[i];
        longest = std::max(longest, std::abs(share * step[i]));
      }
      if (LogLikelihood(tried) >= before) {
        effects_ = std::move(tried);
        return longest;
      }
    }
    return 0;
  }

  const std::vector<Cell>& cells_;
  Effects prior_;
  std::vector<bool> is_tried_;
  Effects effects_;
};

std::vector<Cell> TriedCells(std::span<const std::int64_t> tried,
                             std::span<const std::int64_t> reached) {
  if (tried.size() != reached.size() || tried.size() % kHoursOfWeek != 0) {
    throw BadArgument("cells must be whole weeks, as many reached as tried, not " +
                      std::to_string(tried.size()) + " and " + std::to_string(reached.size()));
  }
  if (tried.size() > kMostSegments * kHoursOfWeek) {
    throw BadArgument("there must be no more than 1000 segments, not " +
                      std::to_string(tried.size() / kHoursOfWeek));
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
// beyond chance, the more. By moments: of a beta-binomial cell of n attempts, the expected square
// of (share - rate) * sqrt(n / (rate * (1 - rate))) is 1 + (n - 1) / (strength + 1).
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
      throw BadArgument("an attempt must be 1 to 168 or -1 to -168, not " +
                        std::to_string(attempt));
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
