// Name, locale, currency, amount and reason of a triggered call, divided by NULs.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "workers/core/call_package.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"
#include "workers/core/locale_format.hpp"
#include "workers/core/script_vars.hpp"
#include "workers/core/utf8.hpp"

namespace core = switchboard::core;

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

std::array<std::string, 5> Fields(std::string_view text) {
  std::array<std::string, 5> fields;
  for (std::string& field : fields) {
    const std::size_t end = text.find('\0');
    field = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return fields;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [name, locale, currency, amount, reason] =
      Fields({reinterpret_cast<const char*>(data), size});
  core::ScriptFacts facts;
  facts.locale = locale;
  facts.timezone = "UTC";
  facts.currency = currency;
  facts.customer_name = name;
  facts.discount_percent = facts.new_price = amount;
  facts.original_price = "100";
  facts.purchased_at = core::Instant{};
  const core::Json vars = core::ParseJson(core::BuildScriptVars(facts, nullptr));
  Require(core::Find(vars, "purchase_date") != nullptr);

  core::CallPackage package;
  package.customer_name = name;
  package.new_price = package.discount_percent = amount;
  package.reason = reason;
  const core::Json json = core::ParseJson(core::BuildCallPackage(package));
  Require(json.MemberCount() == 20);
  Require(core::FindString(json, "customer_name") == core::ValidUtf8(name));
  try {
    Require(core::IsValidUtf8(core::FormatMoney(amount, currency, locale)));
  } catch (const core::Error&) {
  }
  return 0;
}
