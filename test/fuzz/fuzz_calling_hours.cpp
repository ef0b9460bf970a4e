// active_hours, after eight bytes of time and one that chooses the zone: no crash, and the answer
// is not before the question and its own answer.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

#include "workers/core/calling_hours.hpp"
#include "workers/core/errors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace switchboard::core;
  static constexpr const char* kZones[] = {"UTC", "America/New_York", "Pacific/Apia",
                                           "Australia/Lord_Howe", "Europe/Dublin"};
  if (size < 9) return 0;
  std::int64_t micros = 0;
  std::memcpy(&micros, data, sizeof micros);
  const char* zone = kZones[data[8] % std::size(kZones)];
  const std::string_view json(reinterpret_cast<const char*>(data) + 9, size - 9);
  const Instant after{std::chrono::microseconds{micros}};
  try {
    const CallingHours hours = CallingHours::Parse(json);
    const auto next = hours.Next(after, zone);
    if (next && (*next < after || hours.Next(*next, zone) != next)) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
