// VoIPstudio: calls on behalf of an agent's phone.
//
// Account: secret api_token; settings agent (user id whose phone rings when the job names none),
// utc_offset_minutes (time zone of the call records, default 0), settle_seconds.
#pragma once

#include "workers/providers/provider.hpp"

namespace switchboard::providers::voipstudio {

class VoipStudio final : public Provider {
 public:
  std::string_view name() const override { return "voipstudio"; }
  Capabilities capabilities() const override;
  Built BuildRequest(const Job& job, const Account& account, Instant now) const override;
  Result Interpret(const Job& job, const Account& account, const HttpResponse& response,
                   Instant now) const override;
  Built BuildLookup(const Job& job, const Account& account, Instant now) const override;
  Looked InterpretLookup(const Job& job, const Account& account, const HttpRequest& asked,
                         const HttpResponse& response, Instant now) const override;
};

}  // namespace switchboard::providers::voipstudio

#include "workers/core/no_server_header.hpp"
