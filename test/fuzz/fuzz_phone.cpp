// Any text: no crash, and whatever is accepted is E.164 and stays what it is.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "workers/core/phone.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace switchboard::core;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* region : {"", "US", "IN", "IT", "AR"}) {
    const auto e164 = TryNormalizePhone(text, region);
    if (e164 && (e164->front() != '+' || TryNormalizePhone(*e164, region) != e164))
      __builtin_trap();
  }
  PhoneIsValid(text);
  PhoneType(text);
  PhoneRegion(text);
  PhoneTimezones(text);
  return 0;
}
