#include "workers/engine/token_bucket.hpp"

#include <algorithm>
#include <cmath>

namespace switchboard::engine {
namespace {

// Rounding of the double must not make a token that is due look a nanosecond away.
constexpr double kEpsilon = 1e-6;
// What a late caller may catch up, as a share of a second.
constexpr double kCatchUp = 0.01;
// Counts are ints; no caller asks for more than this many.
constexpr double kMostTokens = 1e9;

}  // namespace

TokenBucket::TokenBucket(double per_second, std::optional<double> burst, TimePoint now) {
  Configure(per_second, burst, now);
}

void TokenBucket::Configure(std::optional<double> per_second, std::optional<double> burst,
                            TimePoint now) {
  const bool limited = per_second.has_value() && *per_second > 0;
  const double rate = limited ? *per_second : 0;
  const double wanted_burst = burst.value_or(0);
  if (limited == limited_ && rate == configured_rate_ && wanted_burst == configured_burst_) return;
  const bool fresh = !limited_;
  if (!fresh) tokens_ = TokensAt(now);
  updated_ = now;
  limited_ = limited;
  configured_rate_ = rate;
  configured_burst_ = wanted_burst;
  // Without a burst: count in a half-open second < rate_ + capacity_ = rate + 1.
  capacity_ = wanted_burst >= 1 ? wanted_burst : 1 + rate * kCatchUp;
  rate_ = wanted_burst >= 1 ? rate : rate * (1 - kCatchUp);
  tokens_ = fresh ? std::min(capacity_, std::max(1.0, wanted_burst)) : std::min(tokens_, capacity_);
}

double TokenBucket::TokensAt(TimePoint at) const {
  const double seconds = std::chrono::duration<double>(at - updated_).count();
  return std::min(capacity_, tokens_ + std::max(0.0, seconds) * rate_);
}

int TokenBucket::AvailableWithin(TimePoint now, std::chrono::microseconds ahead) const {
  if (!limited_) return static_cast<int>(kMostTokens);
  const double tokens = TokensAt(now) + rate_ * std::chrono::duration<double>(ahead).count();
  return static_cast<int>(std::min(kMostTokens, std::floor(tokens + kEpsilon)));
}

bool TokenBucket::TryTake(TimePoint now) {
  if (!limited_) return true;
  const double tokens = TokensAt(now);
  if (tokens + kEpsilon < 1) return false;
  tokens_ = tokens - 1;
  updated_ = now;
  return true;
}

void TokenBucket::GiveBack() {
  if (limited_) tokens_ = std::min(capacity_, tokens_ + 1);
}

TimePoint TokenBucket::WhenAvailable() const { return limited_ ? WhenTokens(1) : updated_; }

std::optional<TimePoint> TokenBucket::WhenAvailableWithin(int tokens,
                                                          std::chrono::microseconds ahead) const {
  if (!limited_) return updated_;
  const double needed = tokens - rate_ * std::chrono::duration<double>(ahead).count();
  if (needed > capacity_) return std::nullopt;
  return WhenTokens(needed);
}

TimePoint TokenBucket::WhenTokens(double tokens) const {
  if (tokens_ >= tokens) return updated_;
  const double seconds = (tokens - tokens_) / rate_;
  return updated_ + std::chrono::microseconds(static_cast<std::int64_t>(std::ceil(seconds * 1e6)));
}

}  // namespace switchboard::engine
