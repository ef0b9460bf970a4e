#include "workers/engine/circuit_breaker.hpp"

#include <algorithm>

namespace switchboard::engine {
namespace {

constexpr int kUnbounded = 1 << 30;

}  // namespace

CircuitBreaker::State CircuitBreaker::StateAt(TimePoint now) const {
  if (!open_) return State::kClosed;
  return now < until_ ? State::kOpen : State::kHalfOpen;
}

int CircuitBreaker::Admits(TimePoint now, int running) const {
  switch (StateAt(now)) {
    case State::kClosed:
      return kUnbounded;
    case State::kOpen:
      return 0;
    case State::kHalfOpen:
      return std::max(0, 1 - running);
  }
  return 0;
}

void CircuitBreaker::OnSuccess() {
  open_ = false;
  fault_ = false;
  failures_ = 0;
  duration_ = std::chrono::microseconds{0};
}

void CircuitBreaker::OnFailure(TimePoint now) {
  const State state = StateAt(now);
  if (state == State::kOpen) return;
  if (state == State::kClosed && ++failures_ < kFailuresToOpen) return;
  const std::chrono::microseconds longest = fault_ ? kLongestFaultOpen : kLongestOpen;
  Open(now, duration_.count() == 0 ? std::chrono::microseconds(kFirstOpen)
                                   : std::min(duration_ * 2, longest));
}

void CircuitBreaker::OnAccountFault(TimePoint now) {
  if (fault_ && StateAt(now) == State::kOpen) return;
  const std::chrono::microseconds next =
      fault_ ? std::min(duration_ * 2, std::chrono::microseconds(kLongestFaultOpen))
             : std::chrono::microseconds(kFaultOpen);
  fault_ = true;
  Open(now, next);
}

void CircuitBreaker::Open(TimePoint now, std::chrono::microseconds duration) {
  open_ = true;
  failures_ = 0;
  duration_ = duration;
  until_ = now + duration;
}

}  // namespace switchboard::engine
