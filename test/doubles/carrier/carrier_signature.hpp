// X-Twilio-Signature as Twilio makes it, written independently of the code that verifies it.
#pragma once

#include <algorithm>
#include <string>

#include "workers/core/crypto.hpp"
#include "workers/core/encoding.hpp"

namespace switchboard::carrier {

// base64(HMAC-SHA1(token, url + sorted name-value pairs)); of a repeated name the distinct values,
// sorted. `url` exactly as called; for a GET there are no parameters.
inline std::string TwilioSignature(const std::string& token, const std::string& url,
                                   core::FormFields parameters) {
  std::sort(parameters.begin(), parameters.end());
  parameters.erase(std::unique(parameters.begin(), parameters.end()), parameters.end());
  std::string data = url;
  for (const auto& [name, value] : parameters) data += name + value;
  return core::Base64Encode(core::Hmac(core::HashKind::kSha1, token, data));
}

}  // namespace switchboard::carrier
