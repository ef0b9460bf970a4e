// The little TwiML a call job needs when no URL answers it.
#pragma once

#include <string>
#include <string_view>

namespace switchboard::providers::twilio {

// <Response><Say language="…">text</Say></Response>; no language attribute when empty.
std::string SayTwiml(std::string_view text, std::string_view language);

}  // namespace switchboard::providers::twilio

#include "workers/core/no_server_header.hpp"
