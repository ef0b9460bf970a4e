#pragma once
// Signing and verifying by Standard Webhooks v1.0.0.

#include <chrono>
#include <string>
#include <string_view>

namespace switchboard::core {

// How far a signed timestamp may be off, either way.
inline constexpr std::chrono::seconds kSignatureTolerance{300};

// Whether a decimal number of unix seconds lies within that tolerance.
bool IsFreshTimestamp(std::string_view unix_seconds, std::chrono::sys_seconds now);

// `secrets` is one whsec_… or several separated by white space or commas (rotation: new and old).
// The value of the webhook-signature header: one "v1,<base64>" per secret. Throws SB002 if a secret
// is not base64 or shorter than 16 bytes once decoded.
std::string SignStandardWebhook(std::string_view secrets, std::string_view id,
                                std::chrono::sys_seconds timestamp, std::string_view body);

// True if any v1 entry of `signatures` fits by any of the secrets and `timestamp` (decimal unix
// seconds) is within five minutes of now. Unknown versions are ignored.
bool StandardWebhookOk(std::string_view secrets, std::string_view id, std::string_view timestamp,
                       std::string_view signatures, std::string_view body,
                       std::chrono::sys_seconds now);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
