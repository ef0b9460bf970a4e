#pragma once
// Which state or province a number of country code 1 belongs to (a table generated from
// libphonenumber's data, whose own geocoder is a library of 17 MB).

#include <string_view>

namespace switchboard::core {

// ISO 3166-2 code (US-FL, CA-ON) of the longest known prefix of `digits` (E.164 without the plus);
// empty when none is known. The view lives as long as the program. Cost: one binary search per
// prefix length.
std::string_view SubdivisionOfPrefix(std::string_view digits);

// The same by the area code alone; empty for area codes that several provinces share, for services
// and for those of other countries.
std::string_view SubdivisionOfAreaCode(std::string_view digits);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
