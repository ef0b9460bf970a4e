#include "workers/core/backoff.hpp"

#include <algorithm>

namespace switchboard::core {

std::chrono::milliseconds FullJitter(std::chrono::milliseconds base, std::chrono::milliseconds cap,
                                     int attempt, Random& random) {
  std::chrono::milliseconds ceiling = std::min(base, cap);
  for (int i = 1; i < attempt && ceiling < cap && ceiling.count() > 0; ++i) {
    ceiling = ceiling > cap / 2 ? cap : ceiling * 2;
  }
  if (ceiling.count() <= 0) return std::chrono::milliseconds{0};
  const auto choices = static_cast<std::uint64_t>(ceiling.count()) + 1;
  return std::chrono::milliseconds{static_cast<std::int64_t>(random.Next() % choices)};
}

}  // namespace switchboard::core
