// Jobs of kind call.status: how a call stands at Twilio.
#pragma once

#include "workers/core/json.hpp"
#include "workers/providers/provider.hpp"

namespace switchboard::providers::twilio {

// The answer to such a job in our words: {status, duration, answered_by, ended_at, price,
// price_unit}, what is not known left out. `unread` when the body is no call.
Result Reported(const core::Json& body, Result unread);

}  // namespace switchboard::providers::twilio

#include "workers/core/no_server_header.hpp"
