#include "workers/core/phone_zones.hpp"

#include <algorithm>

#include "workers/core/phone_zones_data.hpp"

namespace switchboard::core {

namespace {

using namespace phone_zones;  // NOLINT(google-build-using-namespace): the table's own names

// The number of each leading part of digits: values[n - 1] is made of the first n.
std::vector<std::uint32_t> LeadingNumbers(std::string_view digits) {
  std::vector<std::uint32_t> values;
  std::uint32_t value = 0;
  for (const char c : digits.substr(0, kLongestPrefix)) {
    if (c < '0' || c > '9') break;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
    values.push_back(value);
  }
  return values;
}

std::vector<std::string_view> ZonesOfList(std::size_t list) {
  std::vector<std::string_view> zones;
  for (std::size_t i = kListStarts[list]; i < kListStarts[list + 1]; ++i) {
    zones.push_back(kZones[kListMembers[i]]);
  }
  return zones;
}

}  // namespace

std::vector<std::string_view> ZonesOfPrefix(std::string_view digits) {
  if (digits.empty() || digits.front() == '0') return {};
  const std::vector<std::uint32_t> numbers = LeadingNumbers(digits);
  const std::uint32_t* end = kPrefixes + kPrefixCount;
  for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
    const std::uint32_t* at = std::lower_bound(kPrefixes, end, *number);
    if (at != end && *at == *number) return ZonesOfList(kPrefixLists[at - kPrefixes]);
  }
  return {};
}

std::string_view CurrentZoneName(std::string_view name) {
  const ZoneAlias* end = kAliases + kAliasCount;
  const ZoneAlias* at = std::lower_bound(
      kAliases, end, name, [](const ZoneAlias& a, std::string_view n) { return a.old_name < n; });
  return at != end && at->old_name == name ? at->name : name;
}

}  // namespace switchboard::core
