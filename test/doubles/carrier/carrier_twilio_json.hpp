// Twilio's resources and errors as JSON.
#pragma once

#include <string>

#include "test/doubles/carrier/carrier_call.hpp"
#include "test/doubles/carrier/carrier_http.hpp"

namespace switchboard::carrier {

std::string TwilioCallJson(const Call& call);
std::string TwilioMessageJson(const Message& message);

// RFC 2822, in UTC.
std::string TwilioDate(WallTime time);

std::string TwilioErrorJson(int status, int code, const std::string& message);
Answer TwilioError(int status, int code, const std::string& message);

// One page of entries (JSON each) under `name`, with next_page_uri.
std::string TwilioPageJson(const std::string& name, const std::vector<std::string>& entries,
                           const Request& request, bool more);

}  // namespace switchboard::carrier
