#pragma once
// Durations in buckets of about 6 % width; recent ones weigh more.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace switchboard::engine {

class LatencyHistogram {
 public:
  void Add(std::chrono::microseconds duration);
  // Milliseconds below which `share` (0 to 1) of the durations lie; 0 without any.
  double QuantileMs(double share) const;
  // Halves every count, so that what is old fades out. Called once per report.
  void Fade();

 private:
  // 16 steps per power of two, from 1 us to 2^36 us (19 hours).
  static constexpr std::size_t kSteps = 16;
  static constexpr std::size_t kBuckets = 37 * kSteps;

  std::array<std::uint32_t, kBuckets> counts_{};
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
