// How a call follows TwiML: what is said, and whose phone is rung for it.
#include "test/doubles/carrier/carrier_fault.hpp"
#include "test/doubles/carrier/carrier_twilio.hpp"
#include "test/doubles/carrier/carrier_twilio_requests.hpp"

namespace switchboard::carrier {
namespace {

constexpr int kMaxRedirects = 5;  // without a pause between them
constexpr double kHangUpSeconds = 1;
constexpr double kMessageSeconds = 8;  // of what is said before a Hangup
constexpr double kLastWordsSeconds = 10;

}  // namespace

// Asks `url` what to do with the call and does it.
void TwilioFront::Listen(Call& call, const std::string& url, const std::string& method,
                         const core::FormFields& more, int redirects) {
  core::FormFields form = VoiceFields(call);
  form.insert(form.end(), more.begin(), more.end());
  world_.webhooks.Fetch(SignedRequest(call.token, url, method, form),
                        [this, &call, redirects](const Reply& reply) {
                          const bool answered = reply.status / 100 == 2;
                          Perform(call, answered ? reply.body : "", redirects);
                        });
}

// A new document replaces what the call was doing.
void TwilioFront::Perform(Call& call, const std::string& twiml, int redirects) {
  if (call.state == CallState::kEnded) return;
  if (call.leg) world_.agents.Free(call.leg->endpoint);
  call.leg.reset();
  ++call.script;
  std::optional<TwimlScript> script = ParseTwiml(twiml);
  if (!script) {
    call.said.emplace_back("An application error has occurred.");
    return HangUpIn(call, kHangUpSeconds);
  }
  Follow(call, std::move(*script), redirects);
}

// What is said last fills the drawn talk time; without a word the call is over soon.
void TwilioFront::Follow(Call& call, TwimlScript script, int redirects) {
  bool spoke = false;
  for (auto step = script.begin(); step != script.end(); ++step) {
    switch (step->verb) {
      case TwimlStep::Verb::kSay:
        call.said.push_back(step->text);
        spoke = true;
        break;
      case TwimlStep::Verb::kPause: {
        const int document = call.script;
        TwimlScript rest(step + 1, script.end());
        return world_.simulation.AfterSimulated(step->seconds, [this, &call, document, rest] {
          if (call.script == document && call.state != CallState::kEnded) Follow(call, rest, 0);
        });
      }
      case TwimlStep::Verb::kDial:
        return RingAgent(call, *step);
      case TwimlStep::Verb::kRedirect:
        if (redirects >= kMaxRedirects) return HangUpIn(call, kHangUpSeconds);
        return Listen(call, step->text, "POST", {}, redirects + 1);
      case TwimlStep::Verb::kHangUp:
        return HangUpIn(call, spoke ? kMessageSeconds : kHangUpSeconds);
    }
  }
  if (!spoke) HangUpIn(call, kHangUpSeconds);
}

void TwilioFront::HangUpIn(Call& call, double seconds) {
  const int document = call.script;
  world_.simulation.AfterSimulated(seconds, [this, &call, document] {
    if (call.script != document) return;
    world_.simulation.End(call, "completed", [this](Call& changed) { OnStep(changed); });
  });
}

void TwilioFront::RingAgent(Call& call, const TwimlStep& dial) {
  call.dialed.push_back(dial.text);
  call.leg = AgentLeg{"CA" + FreshId(), dial.text, dial.action, std::nullopt};
  const std::string id = call.leg->id;
  world_.agents.Ring(dial.text, dial.seconds, [this, &call, id](const std::string& status) {
    if (!call.leg || call.leg->id != id) return;
    if (status != "answered") return EndDial(call, status);
    Connect(call);
  });
}

// They talk for the drawn time; then one of the two hangs up.
void TwilioFront::Connect(Call& call) {
  call.leg->answered = world_.scheduler.Now();
  const double talk_s = call.plan.talk_s;
  const bool agent_ends =
      Draw(world_.settings.seed, "hang up " + call.to, call.index).Uniform() < 0.5;
  world_.simulation.TalkOn(call, talk_s + (agent_ends ? kLastWordsSeconds : 0),
                           [this](Call& changed) { OnStep(changed); });
  if (!agent_ends) return;
  const std::string id = call.leg->id;
  world_.simulation.AfterSimulated(talk_s, [this, &call, id] {
    if (call.leg && call.leg->id == id) EndDial(call, "completed");
  });
}

void TwilioFront::EndDial(Call& call, const std::string& status) {
  const AgentLeg leg = std::move(*call.leg);
  call.leg.reset();
  world_.agents.Free(leg.endpoint);
  if (leg.action.empty()) return HangUpIn(call, kHangUpSeconds);
  core::FormFields fields{{"DialCallSid", leg.id}, {"DialCallStatus", status}};
  if (leg.answered) {
    const std::chrono::duration<double> talked = world_.scheduler.Now() - *leg.answered;
    const int seconds = static_cast<int>(talked.count() * world_.settings.speed);
    fields.emplace_back("DialCallDuration", std::to_string(seconds));
    fields.emplace_back("DialBridged", "true");
  }
  Listen(call, leg.action, "POST", fields, 0);
}

}  // namespace switchboard::carrier
