// What parses can be written and read again, and misuse throws.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace switchboard::core;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = TryParseJson(text);
  if (json) {
    const std::string once = ToJson(*json);
    if (ToJson(ParseJson(once)) != once) __builtin_trap();
    FindText(*json, "a");
    FindInt(*json, "a");
    try {
      json->GetString();
    } catch (const Error&) {
    }
  }
  ParseJson(JsonQuote(text));
  return 0;
}
