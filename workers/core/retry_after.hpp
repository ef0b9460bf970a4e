#pragma once
// The Retry-After header (RFC 9110, 10.2.3).

#include <chrono>
#include <optional>
#include <string_view>

#include "workers/core/random.hpp"

namespace switchboard::core {

// Seconds to wait: delay-seconds, or one of the three HTTP-date forms minus `now` (a past date is
// 0). Nothing for anything else. Prefer the response's Date header as `now`. Values are clamped to
// 24 hours.
std::optional<std::chrono::seconds> ParseRetryAfter(std::string_view value,
                                                    std::chrono::sys_seconds now);

// IMF-fixdate, RFC 850 and asctime dates.
std::optional<std::chrono::sys_seconds> ParseHttpDate(std::string_view value);

inline constexpr std::chrono::hours kMaxRetryAfter{1};

// max(own back-off, Retry-After, the latter capped at an hour and spread by 0 to 10 % so that a
// herd does not return together).
std::chrono::milliseconds RetryDelay(std::chrono::milliseconds own_backoff,
                                     std::optional<std::chrono::seconds> retry_after,
                                     Random& random);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
