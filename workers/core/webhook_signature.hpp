#pragma once
// Whether a webhook really comes from the provider. All comparisons take constant time.

#include <chrono>
#include <string_view>

namespace switchboard::core {

// `url` is the full public URL as the provider called it; `headers_json` an object of header to
// string (or array of strings), names in any case, malformed JSON is 22023; `body` the exact bytes
// received.
//
// provider          secret            accepted when
// twilio            auth token        X-Twilio-Signature fits the URL (with or without the default
//                                     port) and the sorted form parameters, or bodySHA256
// vonage            signature secret  Bearer JWT (HS256 only) with a fitting payload_hash and a
//                                     fresh iat; or the `sig` parameter of the SMS API (query, form
//                                     or JSON) with a fresh timestamp
// whatsapp          app secret        X-Hub-Signature-256 fits the body
//                   verify token      no body, hub.mode=subscribe and hub.verify_token in the query
// webhook, openai   whsec_... [...]   Standard Webhooks: any v1 signature by any of the secrets,
//                                     fresh timestamp
// voipstudio, mtn,  a long token      as Basic credentials ("user:password", or the password
// omnidimension,                      alone), as Bearer or X-Webhook-Token header, or as `token`
// asterisk                            parameter of the URL's query or a segment of its path
// An empty secret is never accepted. Throws SB009 for any other provider.
bool WebhookSignatureOk(std::string_view provider, std::string_view secret, std::string_view url,
                        std::string_view headers_json, std::string_view body,
                        std::chrono::sys_seconds now);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
