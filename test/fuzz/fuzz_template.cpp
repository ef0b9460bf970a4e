// Template and variables, divided by the first NUL.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "workers/core/errors.hpp"
#include "workers/core/template.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = text.find('\0');
  const std::string_view vars = nul == std::string_view::npos
                                    ? R"({"a":1,"b":[1,{"c":"x"}],"d":{"e":""}})"
                                    : text.substr(nul + 1);
  try {
    switchboard::core::RenderTemplate(text.substr(0, nul), vars);
  } catch (const switchboard::core::Error&) {
  }
  return 0;
}
