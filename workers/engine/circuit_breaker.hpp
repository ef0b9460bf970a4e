#pragma once
// Circuit breaker of one account. Closed: everything passes. Open: nothing passes for a while that
// doubles with every failed probe. Half-open: one probe passes and decides.
//
//   closed    -- kFailuresToOpen failures in a row, or a fault of the account --> open
//   open      -- the time is over                                             --> half-open
//   half-open -- probe succeeds                                               --> closed
//   half-open -- probe fails                                                  --> open, twice as
//   long

#include <chrono>

#include "workers/engine/clock.hpp"

namespace switchboard::engine {

class CircuitBreaker {
 public:
  enum class State { kClosed, kOpen, kHalfOpen };

  static constexpr int kFailuresToOpen = 5;
  static constexpr std::chrono::seconds kFirstOpen{1};
  static constexpr std::chrono::seconds kLongestOpen{60};
  // Credentials do not heal by themselves: look again rarely from the start, yet soon enough for
  // somebody who has just repaired them.
  static constexpr std::chrono::seconds kFaultOpen{10};
  static constexpr std::chrono::seconds kLongestFaultOpen{60};

  State StateAt(TimePoint now) const;
  // How many may start now beside `running`: a number without bound is given as 1 << 30.
  int Admits(TimePoint now, int running) const;
  // When a closed door is next worth knocking at.
  TimePoint opens_until() const { return until_; }

  void OnSuccess();
  // What was sent before the breaker opened and fails while it is open tells nothing new.
  void OnFailure(TimePoint now);
  void OnAccountFault(TimePoint now);

 private:
  void Open(TimePoint now, std::chrono::microseconds duration);

  bool open_ = false;
  bool fault_ = false;
  int failures_ = 0;
  std::chrono::microseconds duration_{0};
  TimePoint until_{};
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
