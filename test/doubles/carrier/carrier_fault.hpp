// How the carrier misbehaves.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace switchboard::carrier {

struct Settings;

enum class Fault {
  kNone,
  kSlow,         // answers after slow_ms
  kResetBefore,  // connection reset, nothing was done
  kResetAfter,   // done, then reset without an answer
  kTooMany,      // 429 with Retry-After, nothing was done
  kUnavailable,  // 503 with Retry-After, nothing was done
  kErrorAfter,   // done, then 500
  kHalfBody,     // done, half of the answer, then closed
  kHugeBody,     // done, an answer of huge_bytes
  kHang,         // done, never answers
  kHangBefore,   // nothing done, never answers
};

std::optional<Fault> ParseFault(std::string_view name);
std::string_view FaultName(Fault fault);

// Whether the request is carried out all the same.
bool Acts(Fault fault);

// A stream of numbers that depends on the seed and what it is about, not on the order of requests:
// the same campaign meets the same answers however its calls are interleaved.
class Draw {
 public:
  Draw(std::uint64_t seed, std::string_view subject, std::uint64_t ordinal);
  using result_type = std::uint64_t;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()();
  double Uniform();  // [0, 1)
  // One of the keys, by weight; the first key when all weights are 0.
  std::string Pick(const std::map<std::string, double>& weights);

 private:
  std::uint64_t state_;
};

// The fault for a request of that class: one ordered for the next requests (and used up by this),
// else that of the number, else a drawn one.
Fault ChooseFault(Settings* settings, std::string_view on, std::string_view number, Draw* draw);

}  // namespace switchboard::carrier
