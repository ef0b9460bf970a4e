// Twilio's REST interface and webhooks, as far as calls, in and out, and messages go.
#pragma once

#include <functional>

#include "test/doubles/carrier/carrier_inbound.hpp"
#include "test/doubles/carrier/carrier_twiml.hpp"
#include "test/doubles/carrier/carrier_world.hpp"
#include "workers/core/encoding.hpp"

namespace switchboard::carrier {

class TwilioFront {
 public:
  explicit TwilioFront(World& world) : world_(world) {}

  // Paths below /2010-04-01/.
  Answer Handle(const Request& request);
  // Somebody calls.
  void TakeCall(const InboundOrder& order, const std::string& from);

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

  // In carrier_twilio_script.cpp.
  void Listen(Call& call, const std::string& url, const std::string& method,
              const core::FormFields& more = {}, int redirects = 0);
  void Perform(Call& call, const std::string& twiml, int redirects = 0);
  void Follow(Call& call, TwimlScript script, int redirects);
  void Later(Call& call, double seconds, std::function<void()> run);
  void HangUpIn(Call& call, double seconds);
  void LeaveQueue(Call& call);
  void TellQueueResult(Call& call, const std::string& result);
  void RecordMessage(Call& call, const TwimlStep& record, const TwimlScript& rest);
  void RingAgent(Call& call, const TwimlStep& dial);
  void Connect(Call& call);
  void TellLeg(const Call& call);
  void EndDial(Call& call, const std::string& status);

  void DeliverMessage(Message& message);
  void TellMessage(const Message& message);

  World& world_;
};

}  // namespace switchboard::carrier
