// How a call follows TwiML: what is said, whose phone is rung for it, where it waits.
#include <algorithm>
#include <utility>

#include "test/doubles/carrier/carrier_fault.hpp"
#include "test/doubles/carrier/carrier_twilio.hpp"
#include "test/doubles/carrier/carrier_twilio_json.hpp"
#include "test/doubles/carrier/carrier_twilio_requests.hpp"

namespace switchboard::carrier {
namespace {

constexpr int kMaxRedirects = 5;  // without a pause between them
constexpr double kHangUpSeconds = 1;
constexpr double kMessageSeconds = 8;  // of what is said before a Hangup
constexpr double kLastWordsSeconds = 10;
constexpr double kRoundSeconds = 1;  // what is heard in the queue is heard again after it

}  // namespace

// Asks `url` what to do with the call and does it, unless the call is told something else
// meanwhile.
void TwilioFront::Listen(Call& call, const std::string& url, const std::string& method,
                         const core::FormFields& more, int redirects) {
  core::FormFields form = VoiceFields(call);
  form.insert(form.end(), more.begin(), more.end());
  const int asked = ++call.script;
  world_.webhooks.Fetch(SignedRequest(call.token, url, method, form),
                        [this, &call, asked, redirects](const Reply& reply) {
                          if (call.script != asked) return;
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

// What is said last fills the drawn talk time; without a word the call is over soon. A caller has
// nothing to listen to after the last verb.
void TwilioFront::Follow(Call& call, TwimlScript script, int redirects) {
  bool spoke = false;
  for (auto step = script.begin(); step != script.end(); ++step) {
    const TwimlScript rest(step + 1, script.end());
    switch (step->verb) {
      case TwimlStep::Verb::kSay:
        call.said.push_back(step->text);
        spoke = true;
        break;
      case TwimlStep::Verb::kPause:
        return Later(call, step->seconds, [this, &call, rest] { Follow(call, rest, 0); });
      case TwimlStep::Verb::kKey:
        if (call.key.empty()) break;
        return Listen(call, step->action, "POST", {{"Digits", std::exchange(call.key, "")}});
      case TwimlStep::Verb::kDial:
        return RingAgent(call, *step);
      case TwimlStep::Verb::kRecord:
        return RecordMessage(call, *step, rest);
      case TwimlStep::Verb::kEnqueue:
        call.queue = QueueStay{step->url, step->action};
        return Listen(call, step->url, "POST");
      case TwimlStep::Verb::kLeave:
        return LeaveQueue(call);
      case TwimlStep::Verb::kRedirect:
        if (redirects >= kMaxRedirects) return HangUpIn(call, kHangUpSeconds);
        return Listen(call, step->text, "POST", {}, redirects + 1);
      case TwimlStep::Verb::kHangUp:
        return HangUpIn(call, spoke ? kMessageSeconds : kHangUpSeconds);
    }
  }
  if (call.queue) {
    Later(call, kRoundSeconds, [this, &call] { Listen(call, call.queue->wait_url, "POST"); });
  } else if (!spoke || call.inbound) {
    HangUpIn(call, kHangUpSeconds);
  }
}

// Unless the call is told something else meanwhile, or ends.
void TwilioFront::Later(Call& call, double seconds, std::function<void()> run) {
  const int document = call.script;
  world_.simulation.AfterSimulated(seconds, [&call, document, run = std::move(run)] {
    if (call.script == document && call.state != CallState::kEnded) run();
  });
}

void TwilioFront::LeaveQueue(Call& call) {
  if (!call.queue) return HangUpIn(call, kHangUpSeconds);
  const std::string action = call.queue->action;
  call.queue.reset();
  Listen(call, action, "POST", {{"QueueResult", "leave"}});
}

// Told, but not asked: the call goes on elsewhere, or has ended.
void TwilioFront::TellQueueResult(Call& call, const std::string& result) {
  if (!call.queue) return;
  core::FormFields form = VoiceFields(call);
  form.emplace_back("QueueResult", result);
  world_.webhooks.Post(SignedRequest(call.token, call.queue->action, "POST", form));
  call.queue.reset();
}

// The caller leaves a message, and stays for what comes after it.
void TwilioFront::RecordMessage(Call& call, const TwimlStep& record, const TwimlScript& rest) {
  call.served = true;
  const double seconds = std::min(kMessageSeconds, record.seconds);
  Later(call, seconds, [this, &call, record, seconds, rest] {
    const std::string sid = "RE" + call.id.substr(2);
    const core::FormFields recording{
        {"RecordingSid", sid},
        {"RecordingUrl",
         "https://api.twilio.com/2010-04-01/Accounts/" + call.account + "/Recordings/" + sid},
        {"RecordingDuration", std::to_string(static_cast<int>(seconds))}};
    if (!record.url.empty()) {
      core::FormFields ready{{"CallSid", call.id},
                             {"AccountSid", call.account},
                             {"RecordingStatus", "completed"},
                             {"RecordingSource", "RecordVerb"}};
      ready.insert(ready.end(), recording.begin(), recording.end());
      world_.webhooks.Post(SignedRequest(call.token, record.url, "POST", ready));
    }
    if (record.action.empty()) return Follow(call, rest, 0);
    Listen(call, record.action, "POST", recording);
  });
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
  call.leg = AgentLeg{"CA" + FreshId(), dial.text, dial.action, dial.url, std::nullopt};
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
  call.served = true;
  call.talked.push_back(call.leg->endpoint);
  TellLeg(call);
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

// Somebody has picked up.
void TwilioFront::TellLeg(const Call& call) {
  const AgentLeg& leg = *call.leg;
  if (leg.status_url.empty()) return;
  core::FormFields form{{"CallSid", leg.id}, {"ParentCallSid", call.id}};
  AddParties(&form, call.account, call.from, leg.endpoint);
  form.insert(form.end(), {{"Direction", "outbound-dial"},
                           {"CallStatus", "in-progress"},
                           {"CallbackSource", "call-progress-events"},
                           {"Timestamp", TwilioDate(world_.scheduler.Now())}});
  world_.webhooks.Post(SignedRequest(call.token, leg.status_url, "POST", form));
}

void TwilioFront::EndDial(Call& call, const std::string& status) {
  const AgentLeg leg = std::move(*call.leg);
  call.leg.reset();
  if (status != "busy") world_.agents.Free(leg.endpoint);  // else it is engaged with another call
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
