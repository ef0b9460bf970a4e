// The little TwiML that jobs carry themselves.
#pragma once

#include <string>
#include <string_view>

namespace switchboard::providers::twilio {

// <Response><Say language="…">text</Say></Response>; no language attribute when empty.
std::string SayTwiml(std::string_view text, std::string_view language);

// <Response><Play>url</Play></Response>: plays it and hangs up.
std::string PlayTwiml(std::string_view audio_url);

}  // namespace switchboard::providers::twilio

#include "workers/core/no_server_header.hpp"
