#pragma once
// The generated table behind phone_subdivisions.hpp.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace switchboard::core::phone_subdivisions {

struct Entry {
  std::uint32_t prefix;   // as a number; begins with 1
  std::string_view code;  // ISO 3166-2
};

extern const Entry kEntries[];  // sorted by prefix
extern const std::size_t kEntryCount;
extern const std::size_t kLongestPrefix;  // in digits

}  // namespace switchboard::core::phone_subdivisions

#include "workers/core/no_server_header.hpp"
