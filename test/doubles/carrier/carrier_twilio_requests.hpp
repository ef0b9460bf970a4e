// What Twilio sends: the fields of its webhooks, and their signature.
#pragma once

#include "test/doubles/carrier/carrier_call.hpp"
#include "test/doubles/carrier/carrier_client.hpp"
#include "workers/core/encoding.hpp"

namespace switchboard::carrier {

void AddParties(core::FormFields* form, const std::string& account, const std::string& from,
                const std::string& to);

core::FormFields VoiceFields(const Call& call);

Outgoing SignedRequest(const std::string& token, std::string url, const std::string& method,
                       const core::FormFields& form);

}  // namespace switchboard::carrier
