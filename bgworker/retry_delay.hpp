#pragma once
// How long to wait before trying again what failed.

#include <algorithm>
#include <chrono>

#include "workers/core/backoff.hpp"

namespace switchboard::bgworker {

// Counts failures in a row and answers with a delay that doubles: between half and all of
// base * 2^(failures-1), at most `cap`. Half is certain, so that a failure never becomes a spin.
class RetryDelay {
 public:
  RetryDelay(std::chrono::milliseconds base, std::chrono::milliseconds cap)
      : base_(base), cap_(cap) {}

  std::chrono::milliseconds Next() {
    const int doublings = std::min(failures_++, 20);
    const auto whole = std::min(cap_, base_ * (1 << doublings));
    return whole / 2 + core::FullJitter(whole / 2, whole / 2, 1, random_);
  }
  void Reset() { failures_ = 0; }
  int failures() const { return failures_; }

 private:
  std::chrono::milliseconds base_;
  std::chrono::milliseconds cap_;
  int failures_ = 0;
  core::SystemRandom random_;
};

}  // namespace switchboard::bgworker
