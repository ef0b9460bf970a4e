// Forms and percent-encoding: what was encoded is decoded to the same, and what becomes JSON can be
// stored.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"
#include "workers/core/utf8.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace switchboard::core;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (UrlDecode(UrlEncode(text), false) != text) __builtin_trap();
  UrlDecode(text, true);

  const FormFields fields = ParseForm(text);
  if (ParseForm(FormEncode(fields)) != fields) __builtin_trap();
  const auto json = FormToJson(text);
  if (!json) return 0;
  const Json object = ParseJson(*json);
  if (!IsStorable(*json) || !object.IsObject()) __builtin_trap();
  for (const auto& [name, value] : fields) {
    const JsonValue* found = Find(object, name);
    if (found == nullptr || (found->IsString() && AsString(*found) != value)) __builtin_trap();
  }
  return 0;
}
