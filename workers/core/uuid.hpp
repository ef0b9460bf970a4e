#pragma once
// UUIDs as 16 bytes in network order.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace switchboard::core {

using Uuid = std::array<unsigned char, 16>;

// Version 7 (RFC 9562): 48 bits of milliseconds, 12 bits of the fraction of the millisecond, 62
// random bits. Ordered by time; successive calls in one process never go back, even when the clock
// does or many fall into one tick. Random bits come from the system's CSPRNG in blocks, never
// shared across fork().
Uuid UuidV7(std::chrono::sys_time<std::chrono::nanoseconds> now);

// Version 4.
Uuid UuidV4();

std::string FormatUuid(const Uuid& uuid);  // lower case, with hyphens

// 36 characters with hyphens, any case; nothing for anything else.
std::optional<Uuid> ParseUuid(std::string_view text);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
