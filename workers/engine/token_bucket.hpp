#pragma once
// Token bucket. Time is an argument, so that it is exact and testable.

#include <optional>

#include "workers/engine/clock.hpp"

namespace switchboard::engine {

class TokenBucket {
 public:
  // Without a rate nothing is limited.
  TokenBucket() = default;

  // At most `per_second` in any second with a given burst on top. Without a burst the rate is a
  // promise: no half-open second holds more than `per_second`, and a caller that is up to 10 ms
  // late loses nothing (1 % of the rate pays for that).
  TokenBucket(double per_second, std::optional<double> burst, TimePoint now);

  // Changes the limits, keeps what is in the bucket. Cheap when nothing changed.
  void Configure(std::optional<double> per_second, std::optional<double> burst, TimePoint now);

  bool limited() const { return limited_; }
  // How many can be taken one after the other between `now` and `now + ahead`.
  int AvailableWithin(TimePoint now, std::chrono::microseconds ahead) const;
  bool TryTake(TimePoint now);
  // Back into the bucket: the request was not made.
  void GiveBack();
  // When TryTake will say yes.
  TimePoint WhenAvailable() const;
  // When AvailableWithin(when, ahead) becomes at least `tokens`; nothing when it never does because
  // the bucket cannot hold enough.
  std::optional<TimePoint> WhenAvailableWithin(int tokens, std::chrono::microseconds ahead) const;

 private:
  double TokensAt(TimePoint at) const;
  TimePoint WhenTokens(double tokens) const;

  bool limited_ = false;
  double configured_rate_ = 0;
  double configured_burst_ = 0;
  double rate_ = 0;
  double capacity_ = 0;
  double tokens_ = 0;
  TimePoint updated_{};
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
