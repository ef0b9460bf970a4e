// Twilio: calls, SMS and WhatsApp messages.
//
// Account: settings account_sid (or secret of that name); secrets auth_token, or api_key_sid and
// api_key_secret; setting settle_seconds.
// Payloads are those of the job kinds call, call.update, call.status and message.
#pragma once

#include "workers/providers/provider.hpp"

namespace switchboard::providers::twilio {

class Twilio final : public Provider {
 public:
  std::string_view name() const override { return "twilio"; }
  Capabilities capabilities() const override;
  Built BuildRequest(const Job& job, const Account& account, Instant now) const override;
  Result Interpret(const Job& job, const Account& account, const HttpResponse& response,
                   Instant now) const override;
  Built BuildLookup(const Job& job, const Account& account, Instant now) const override;
  Looked InterpretLookup(const Job& job, const Account& account, const HttpRequest& asked,
                         const HttpResponse& response, Instant now) const override;
};

}  // namespace switchboard::providers::twilio

#include "workers/core/no_server_header.hpp"
