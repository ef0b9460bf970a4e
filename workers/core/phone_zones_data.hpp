#pragma once
// The generated table behind phone_zones.hpp.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace switchboard::core::phone_zones {

// An old spelling in the table, and the zone's current name: systems may lack the old ones.
struct ZoneAlias {
  std::string_view old_name;
  std::string_view name;
};

extern const std::string_view kZones[];     // names, sorted
extern const std::uint16_t kListMembers[];  // indexes into kZones, list after list
extern const std::uint16_t
    kListStarts[];  // list i is kListMembers[kListStarts[i] .. kListStarts[i + 1])
extern const std::uint32_t kPrefixes[];     // as numbers (none starts with 0), ascending
extern const std::uint16_t kPrefixLists[];  // the list of each prefix
extern const ZoneAlias kAliases[];          // sorted by old name
extern const std::size_t kPrefixCount;
extern const std::size_t kAliasCount;
extern const std::size_t kLongestPrefix;  // in digits

}  // namespace switchboard::core::phone_zones

#include "workers/core/no_server_header.hpp"
