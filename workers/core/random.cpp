#include "workers/core/random.hpp"

#include <openssl/rand.h>

#include "workers/core/errors.hpp"

namespace switchboard::core {

void FillRandom(std::span<unsigned char> out) {
  if (out.empty()) return;
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) {
    throw Error(sqlstate::kInternal, "the system's random number generator failed");
  }
}

std::uint64_t SystemRandom::Next() {
  std::uint64_t value = 0;
  FillRandom({reinterpret_cast<unsigned char*>(&value), sizeof value});
  return value;
}

std::uint32_t RandomBelow(std::uint32_t bound) {
  // Values at and above the largest multiple of bound would favour small results.
  const std::uint64_t range = std::uint64_t{1} << 32;
  const std::uint64_t limit = range - range % bound;
  for (;;) {
    std::uint32_t value = 0;
    FillRandom({reinterpret_cast<unsigned char*>(&value), sizeof value});
    if (value < limit) return value % bound;
  }
}

}  // namespace switchboard::core
