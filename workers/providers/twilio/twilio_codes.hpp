// What Twilio's error codes mean for a job.
#pragma once

#include <cstdint>
#include <optional>

#include "workers/providers/provider.hpp"

namespace switchboard::providers::twilio {

enum class CodeClass {
  kSuppressBadNumber,
  kSuppressOptedOut,
  kPermanent,
  kAccount,  // permanent, and the account is at fault
  kRetry,
  kRetryTomorrow,  // a daily limit
};

// Nothing for a code that is not in the table.
std::optional<CodeClass> ClassOf(std::int64_t code);

}  // namespace switchboard::providers::twilio

#include "workers/core/no_server_header.hpp"
