// The JWT that a Vonage application proves itself with.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace switchboard::providers::vonage {

inline constexpr std::chrono::minutes kTokenLife{15};

// RS256 over application_id, iat, exp and jti. The jti is a UUID made from `subject` and `now`, so
// that the same job at the same time always makes the same token. Nothing when the key is no RSA
// private key in PEM.
std::optional<std::string> ApplicationToken(std::string_view application_id,
                                            std::string_view private_key_pem,
                                            std::string_view subject,
                                            std::chrono::sys_time<std::chrono::microseconds> now);

}  // namespace switchboard::providers::vonage

#include "workers/core/no_server_header.hpp"
