#pragma once
// Random numbers.

#include <cstdint>
#include <span>

namespace switchboard::core {

// Bytes of OpenSSL's CSPRNG. Throws XX000 if it cannot give any.
void FillRandom(std::span<unsigned char> out);

// Uniform in [0, bound), bound > 0, from the CSPRNG without modulo bias.
std::uint32_t RandomBelow(std::uint32_t bound);

// A source of uniform 64-bit numbers that tests can replace.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t Next() = 0;
};

// The CSPRNG behind that port.
class SystemRandom : public Random {
 public:
  std::uint64_t Next() override;
};

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
