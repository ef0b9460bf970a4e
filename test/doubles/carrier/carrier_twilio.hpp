// Twilio's REST interface and webhooks, as far as calls and messages go.
#pragma once

#include "test/doubles/carrier/carrier_world.hpp"

namespace switchboard::carrier {

class TwilioFront {
 public:
  explicit TwilioFront(World& world) : world_(world) {}

  // Paths below /2010-04-01/.
  Answer Handle(const Request& request);

 private:
  struct Caller {
    std::string account;
    std::string token;
  };

  Answer Route(const Request& request, const Caller& caller, std::string_view resource);
  Answer CreateCall(const Request& request, const Caller& caller);
  Answer UpdateCall(const Request& request, Call& call);
  Answer ListCalls(const Request& request, const Caller& caller);
  Answer CreateMessage(const Request& request, const Caller& caller);
  Answer ListMessages(const Request& request, const Caller& caller);

  void OnStep(Call& call);
  void Tell(Call& call, const std::string& event);
  void TellMachine(Call& call);
  void TellRecording(const Call& call);
  void Listen(Call& call, const std::string& url, const std::string& method, int redirects_left);
  void Perform(Call& call, const std::string& twiml, int redirects_left);
  void DeliverMessage(Message& message);
  void TellMessage(const Message& message);

  World& world_;
};

}  // namespace switchboard::carrier
