// Calls that come in: POST /control/inbound orders them.
//
//   {"provider": "twilio" or "vonage", "url": asked what to do with each, "status_url": told how
//   they
//    go, "to": number called, "from": number of the first caller (the next ones count up), "count":
//    1, "every_s": 0, "patience_s": 60 (mean; "exact": true: just that), "account", "token"
//    (Twilio), "method" (Vonage: POST or GET), "key": what the callers press where keys are asked
//    for}
#pragma once

#include <functional>
#include <string>

#include "test/doubles/carrier/carrier_world.hpp"
#include "workers/core/json.hpp"

namespace switchboard::carrier {

struct InboundOrder {
  std::string provider;
  std::string url;
  std::string status_url;
  std::string to;
  std::uint64_t from = 0;
  std::string account;
  std::string token;
  std::string method;
  std::string key;
  int count = 1;
  double every_s = 0;
  double patience_s = 60;
  bool exact = false;

  // How long the caller waits to be served, in simulated seconds.
  double Patience(const World& world, const Call& call) const;
};

// Throws core::Error 22023 when it names no provider, url, numbers, or makes no sense.
InboundOrder ReadInboundOrder(const core::JsonValue& json);

// Lets the callers call, one after the other; `from` begins with a plus.
using TakeCall = std::function<void(const InboundOrder& order, const std::string& from)>;
void PlaceInboundCalls(World& world, const InboundOrder& order, const TakeCall& take);

// The entry of the ledger for a call from `from`, a number as the provider writes it.
Call& AddInboundCall(World& world, const InboundOrder& order, const std::string& from,
                     const std::string& id);

}  // namespace switchboard::carrier
