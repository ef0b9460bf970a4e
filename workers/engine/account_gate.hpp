#pragma once
// All limits of one account (or of one tenant's jobs without account) in one place: token bucket,
// circuit breaker, pause after "too many requests", requests at once. Decides how many jobs may be
// claimed for the lane now and which of the claimed ones may be sent now.
//
// Jobs are claimed a little ahead of their tokens, so that a limited account is used to the full
// although a claim takes a moment.

#include <chrono>
#include <optional>

#include "workers/engine/circuit_breaker.hpp"
#include "workers/engine/clock.hpp"
#include "workers/engine/token_bucket.hpp"

namespace switchboard::engine {

class AccountGate {
 public:
  struct Limits {
    std::optional<double> rate_per_second;
    std::optional<double> burst;
    std::optional<int> max_in_flight;
  };

  // An account that never answered gets this many requests at once; every success adds one, a
  // breaker that opens starts it over. So an endpoint that hangs ties up little.
  static constexpr int kFirstWindow = 32;
  static constexpr int kLargestWindow = 1 << 20;
  static constexpr std::chrono::milliseconds kClaimAhead{200};

  void Configure(const Limits& limits, TimePoint now);

  // How many more may be claimed. `held`: claimed and not yet answered; `waiting`: those of them
  // not yet sent; `share`: what one account may hold of the worker's slots at this moment.
  int ClaimCap(TimePoint now, int held, int waiting, int share) const;
  // When ClaimCap becomes positive by itself. Nothing: only when a job starts or a transfer ends.
  std::optional<TimePoint> ClaimAgainAt(TimePoint now, int held, int waiting, int share) const;

  // Takes a token and a place for one request, or says no. `running`: requests on the wire.
  bool TryStart(TimePoint now, int running);
  // When TryStart may say yes by itself. Nothing: only when a transfer ends.
  std::optional<TimePoint> StartAgainAt(TimePoint now, int running) const;
  // The request was not made after all.
  void UndoStart() { bucket_.GiveBack(); }
  // While nothing may start for so long that jobs at hand had better go back into the queue.
  bool Shut(TimePoint now) const;

  void OnSuccess();
  void OnFailure(TimePoint now);
  void OnAccountFault(TimePoint now);
  // No request before `until`.
  void Pause(TimePoint until);

  CircuitBreaker::State breaker_state(TimePoint now) const { return breaker_.StateAt(now); }

 private:
  int AtOnce() const;

  TokenBucket bucket_;
  CircuitBreaker breaker_;
  std::optional<int> max_in_flight_;
  int window_ = kFirstWindow;
  TimePoint paused_until_{};
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
