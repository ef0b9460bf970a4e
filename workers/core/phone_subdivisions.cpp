#include "workers/core/phone_subdivisions.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "workers/core/phone_subdivisions_data.hpp"

namespace switchboard::core {

namespace {

using namespace phone_subdivisions;  // NOLINT(google-build-using-namespace): the table's own names

constexpr std::size_t kAreaCodeDigits = 4;  // with the country code

std::string_view Exactly(std::string_view prefix) {
  std::uint32_t number = 0;
  const char* const end = prefix.data() + prefix.size();
  if (std::from_chars(prefix.data(), end, number).ptr != end) return {};
  const Entry* const last = kEntries + kEntryCount;
  const Entry* const found = std::lower_bound(
      kEntries, last, number, [](const Entry& e, std::uint32_t n) { return e.prefix < n; });
  return found != last && found->prefix == number ? found->code : std::string_view{};
}

}  // namespace

std::string_view SubdivisionOfPrefix(std::string_view digits) {
  if (digits.empty() || digits.front() != '1') return {};
  for (std::size_t length = std::min(digits.size(), kLongestPrefix); length >= kAreaCodeDigits;
       --length) {
    if (const auto code = Exactly(digits.substr(0, length)); !code.empty()) return code;
  }
  return {};
}

std::string_view SubdivisionOfAreaCode(std::string_view digits) {
  if (digits.size() < kAreaCodeDigits || digits.front() != '1') return {};
  return Exactly(digits.substr(0, kAreaCodeDigits));
}

}  // namespace switchboard::core
