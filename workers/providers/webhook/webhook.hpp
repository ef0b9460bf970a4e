// Generic webhooks, signed by Standard Webhooks v1.0.0.
//
// Account: base_url is the endpoint; secrets signing_secret (whsec_…) and, while it is being
// replaced, previous_signing_secret: both sign.
// Payload: {"body":{…}} is sent verbatim, any other object is itself the body.
//
// Kind call hands the package of a call to a system that makes it. Its answer may name the call
// ({"call_id":"…"}); else the call is known by the webhook-id.
//
// webhook-id is "msg_" + job id at every attempt, so that the receiver can drop what it has seen:
// repeating does no harm, hence a lost answer is simply repeated and nothing needs looking up.
#pragma once

#include "workers/providers/provider.hpp"

namespace switchboard::providers::webhook {

class Webhook final : public Provider {
 public:
  std::string_view name() const override { return "webhook"; }
  Capabilities capabilities() const override;
  Built BuildRequest(const Job& job, const Account& account, Instant now) const override;
  Result Interpret(const Job& job, const Account& account, const HttpResponse& response,
                   Instant now) const override;
};

}  // namespace switchboard::providers::webhook

#include "workers/core/no_server_header.hpp"
