// Vonage's resources, errors and webhooks.
#pragma once

#include <functional>
#include <string>

#include "test/doubles/carrier/carrier_call.hpp"
#include "test/doubles/carrier/carrier_client.hpp"
#include "test/doubles/carrier/carrier_http.hpp"
#include "test/doubles/carrier/carrier_settings.hpp"
#include "workers/core/json.hpp"

namespace switchboard::carrier {

// ISO 8601 with milliseconds, in UTC.
std::string VonageTime(WallTime time);

// The status of a call as Vonage spells it.
std::string VonageStatus(const Call& call);

std::string VonageCallJson(const Call& call);

// `parameter`: the one that is wrong; none when empty.
Answer VonageError(int status, const std::string& type, const std::string& title,
                   const std::string& parameter = "");

// One end of a conversation, as webhooks name it.
struct VonageLeg {
  std::string uuid;
  std::string to;
};

// The event of a call (or of another leg of it), with more members if need be.
using MoreMembers = std::function<void(core::JsonWriter&)>;
std::string VonageEventJson(const Call& call, const VonageLeg& leg, const std::string& status,
                            WallTime now, const MoreMembers& more = {});

// A request that is signed as the settings say; by GET its members are in the query.
Outgoing VonageWebhook(const Settings& settings, WallTime now, std::string url,
                       const std::string& method, std::string json);

}  // namespace switchboard::carrier
