// What making a call, changing it, asking for it and looking it up share.
#pragma once

#include <string>
#include <string_view>

#include "workers/core/json.hpp"
#include "workers/providers/provider.hpp"

namespace switchboard::providers::vonage {

// A request to {base}/v1/calls{rest} with a fresh token of the account's application, and `body`
// (JSON) if that is not empty; or why none can be made.
Built Request(std::string_view method, std::string_view rest, const Job& job,
              const Account& account, Instant now, std::string body = {});

// Vonage's status of a call in our words; empty for one we do not know.
std::string_view OurStatus(std::string_view status);

}  // namespace switchboard::providers::vonage

#include "workers/core/no_server_header.hpp"
