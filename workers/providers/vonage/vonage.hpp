// Vonage: calls through its Voice API.
//
// Account: setting application_id; secret private_key (the application's, PKCS#8 PEM; line breaks
// may be written as \n); setting settle_seconds. Webhooks are
// checked with the secret signature_secret, elsewhere.
// Payloads are those of the job kinds call, call.update and call.status.
#pragma once

#include "workers/providers/provider.hpp"

namespace switchboard::providers::vonage {

class Vonage final : public Provider {
 public:
  std::string_view name() const override { return "vonage"; }
  Capabilities capabilities() const override;
  Built BuildRequest(const Job& job, const Account& account, Instant now) const override;
  Result Interpret(const Job& job, const Account& account, const HttpResponse& response,
                   Instant now) const override;
  Built BuildLookup(const Job& job, const Account& account, Instant now) const override;
  Looked InterpretLookup(const Job& job, const Account& account, const HttpRequest& asked,
                         const HttpResponse& response, Instant now) const override;
};

}  // namespace switchboard::providers::vonage

#include "workers/core/no_server_header.hpp"
