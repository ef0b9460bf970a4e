// OmniDimension: calls made by AI voice agents.
//
// Account: secret api_key; settings agent_id (which agent calls when the job names none),
// from_number_id (one of the account's numbers), utc_offset_minutes (time zone of the call logs;
// unless it is set any zone is thought possible), settle_seconds (how long a call may be missing
// from the logs before it counts as not placed, default 3600: a call may be logged at its end
// only).
// Payload of a call: to, agent_id, from_number_id, and context: what the agent knows, passed on as
// it is with the job's id added.
#pragma once

#include "workers/providers/provider.hpp"

namespace switchboard::providers::omnidimension {

class OmniDimension final : public Provider {
 public:
  std::string_view name() const override { return "omnidimension"; }
  Capabilities capabilities() const override;
  Built BuildRequest(const Job& job, const Account& account, Instant now) const override;
  Result Interpret(const Job& job, const Account& account, const HttpResponse& response,
                   Instant now) const override;
  Built BuildLookup(const Job& job, const Account& account, Instant now) const override;
  Looked InterpretLookup(const Job& job, const Account& account, const HttpRequest& asked,
                         const HttpResponse& response, Instant now) const override;
};

}  // namespace switchboard::providers::omnidimension

#include "workers/core/no_server_header.hpp"
