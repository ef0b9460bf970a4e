#pragma once
// A received webhook as the signature checks see it.

#include <chrono>
#include <string>
#include <string_view>

#include "workers/core/json.hpp"

namespace switchboard::core {

struct WebhookRequest {
  std::string_view url;
  const JsonValue& headers;  // object: name -> string or array of strings
  std::string_view body;
  std::chrono::sys_seconds now;

  // Names in any case; several values joined by a space; empty when absent.
  std::string Header(std::string_view name) const;
};

// One scheme each; the table of providers is in webhook_signature.hpp. None accepts an empty
// secret.
bool TwilioSignatureOk(std::string_view secret, const WebhookRequest& request);
bool VonageSignatureOk(std::string_view secret, const WebhookRequest& request);
bool WhatsappSignatureOk(std::string_view secret, const WebhookRequest& request);
bool WhatsappVerificationOk(std::string_view verify_token, const WebhookRequest& request);
bool SharedSecretOk(std::string_view secret, const WebhookRequest& request);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
