#pragma once
// Which time zones a phone number prefix may lie in (a table generated from libphonenumber's data).

#include <string_view>
#include <vector>

namespace switchboard::core {

// Zones of the longest known prefix of `digits` (E.164 without the plus), sorted; none when
// unknown. The views live as long as the program. Cost: one binary search per prefix length, no
// allocation but the result.
std::vector<std::string_view> ZonesOfPrefix(std::string_view digits);

// The current name of a zone that the table still spells the old way (Asia/Calcutta); else the name
// itself.
std::string_view CurrentZoneName(std::string_view name);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
