#pragma once
// Where the owner of a number probably is: what the rules of calling are chosen by.

#include <string>
#include <string_view>
#include <vector>

namespace switchboard::core {

struct PhonePlace {
  std::string region;       // ISO 3166-1; empty: unknown
  std::string subdivision;  // ISO 3166-2, of numbers of the US and Canada; empty: unknown
  std::vector<std::string>
      zones;  // as PhoneTimezones, by their current names: servers may not know the old
};

// The place of an international number. Answers are kept per number without its last four digits
// (blocks in which numbers are assigned), at most 32768 of them, because asking libphonenumber
// takes some 40 microseconds; area codes of the US and Canada are not asked for at all. The
// reference is good until the next call.
const PhonePlace& PlaceOfPhone(std::string_view phone);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
