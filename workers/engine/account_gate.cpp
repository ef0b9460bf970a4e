#include "workers/engine/account_gate.hpp"

#include <algorithm>

namespace switchboard::engine {

void AccountGate::Configure(const Limits& limits, TimePoint now) {
  bucket_.Configure(limits.rate_per_second, limits.burst, now);
  max_in_flight_ = limits.max_in_flight;
}

int AccountGate::AtOnce() const {
  return max_in_flight_ ? std::min(window_, *max_in_flight_) : window_;
}

int AccountGate::ClaimCap(TimePoint now, int held, int waiting, int share) const {
  if (now + kClaimAhead < paused_until_) return 0;
  const int places = std::min(AtOnce(), share) - held;
  const int tokens = bucket_.AvailableWithin(now, kClaimAhead) - waiting;
  return std::max(0, std::min({places, tokens, breaker_.Admits(now, held)}));
}

std::optional<TimePoint> AccountGate::ClaimAgainAt(TimePoint now, int held, int waiting,
                                                   int share) const {
  if (held >= std::min(AtOnce(), share)) return std::nullopt;
  if (breaker_.StateAt(now) == CircuitBreaker::State::kHalfOpen && held > 0) return std::nullopt;
  TimePoint at = now;
  if (breaker_.StateAt(now) == CircuitBreaker::State::kOpen) at = breaker_.opens_until();
  at = std::max(at, paused_until_ - kClaimAhead);
  const auto tokens = bucket_.WhenAvailableWithin(waiting + 1, kClaimAhead);
  if (!tokens) return std::nullopt;
  return std::max(at, *tokens);
}

bool AccountGate::TryStart(TimePoint now, int running) {
  if (now < paused_until_ || running >= AtOnce() || breaker_.Admits(now, running) < 1) return false;
  return bucket_.TryTake(now);
}

std::optional<TimePoint> AccountGate::StartAgainAt(TimePoint now, int running) const {
  if (running >= AtOnce()) return std::nullopt;
  if (breaker_.StateAt(now) == CircuitBreaker::State::kHalfOpen && running > 0) return std::nullopt;
  TimePoint at = std::max(now, paused_until_);
  if (breaker_.StateAt(now) == CircuitBreaker::State::kOpen) {
    at = std::max(at, breaker_.opens_until());
  }
  return std::max(at, bucket_.WhenAvailable());
}

bool AccountGate::Shut(TimePoint now) const {
  return breaker_.StateAt(now) == CircuitBreaker::State::kOpen || paused_until_ > now + kClaimAhead;
}

void AccountGate::OnSuccess() {
  breaker_.OnSuccess();
  window_ = std::min(window_ + 1, kLargestWindow);
}

void AccountGate::OnFailure(TimePoint now) {
  const bool was_closed = breaker_.StateAt(now) == CircuitBreaker::State::kClosed;
  breaker_.OnFailure(now);
  if (was_closed && breaker_.StateAt(now) != CircuitBreaker::State::kClosed) {
    window_ = kFirstWindow;
  }
}

void AccountGate::OnAccountFault(TimePoint now) {
  breaker_.OnAccountFault(now);
  window_ = kFirstWindow;
}

void AccountGate::Pause(TimePoint until) { paused_until_ = std::max(paused_until_, until); }

}  // namespace switchboard::engine
