#include "workers/engine/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace switchboard::engine {

void LatencyHistogram::Add(std::chrono::microseconds duration) {
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(1, duration.count()));
  const std::size_t power = static_cast<std::size_t>(std::bit_width(us)) - 1;
  const std::uint64_t above = us - (std::uint64_t{1} << power);
  const std::size_t step = power >= 4 ? above >> (power - 4) : above << (4 - power);
  ++counts_[std::min(power * kSteps + step, kBuckets - 1)];
}

double LatencyHistogram::QuantileMs(double share) const {
  std::uint64_t total = 0;
  for (const std::uint32_t count : counts_) total += count;
  if (total == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total)));
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  for (; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted && seen > 0) break;
  }
  const double base = std::ldexp(1.0, static_cast<int>(bucket / kSteps));
  return base * (1 + (static_cast<double>(bucket % kSteps) + 0.5) / kSteps) / 1000;
}

void LatencyHistogram::Fade() {
  for (std::uint32_t& count : counts_) count /= 2;
}

}  // namespace switchboard::engine
