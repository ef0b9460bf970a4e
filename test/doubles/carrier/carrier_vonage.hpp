// Vonage's Voice API and its signed webhooks, for calls in and out.
//
// Settings: vonage_application and vonage_public_key (who may call; empty: whoever has a
// well-formed token), vonage_signature_secret (what webhooks are signed with; empty: they are not).
#pragma once

#include "test/doubles/carrier/carrier_inbound.hpp"
#include "test/doubles/carrier/carrier_ncco_runner.hpp"
#include "test/doubles/carrier/carrier_vonage_json.hpp"
#include "test/doubles/carrier/carrier_world.hpp"

namespace switchboard::carrier {

class VonageFront {
 public:
  explicit VonageFront(World& world)
      : world_(world), runner_(world, [this](Call& call) { End(call, "completed"); }) {}

  // Paths from /v1/calls on.
  Answer Handle(const Request& request);
  // Somebody calls.
  void TakeCall(const InboundOrder& order, const std::string& from);

 private:
  bool Authorized(const Request& request) const;
  Answer CreateCall(const Request& request);
  Answer UpdateCall(const Request& request, Call& call);
  Answer ListCalls(const Request& request);

  void End(Call& call, const std::string& status);
  void OnStep(Call& call);
  void OnAnswer(Call& call);
  void OnEnd(Call& call);
  void TellWho(Call& call);
  void Begin(Call& call);
  void Tell(const Call& call, const std::string& status, const MoreMembers& more = {});

  World& world_;
  NccoRunner runner_;
};

}  // namespace switchboard::carrier
