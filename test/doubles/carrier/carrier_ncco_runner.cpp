#include "test/doubles/carrier/carrier_ncco_runner.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "test/doubles/carrier/carrier_vonage_json.hpp"
#include "workers/core/uuid.hpp"

namespace switchboard::carrier {
namespace {

constexpr double kHangUpSeconds = 1;
constexpr double kMessageSeconds = 8;

}  // namespace

void NccoRunner::Run(Call& call, const std::string& ncco) {
  if (call.state != CallState::kAnswered) return;
  EndLeg(call);
  State& state = states_[&call];
  ++state.run;
  state.next = 0;
  state.heard = false;
  auto script = ParseNcco(ncco);
  state.script = script ? std::move(*script) : NccoScript();
  if (!script) call.said.emplace_back("An application error has occurred.");
  Step(call);
}

void NccoRunner::Ask(Call& call, const std::string& url, const std::string& method) {
  ++states_[&call].run;
  world_.webhooks.Fetch(
      VonageWebhook(world_.settings, world_.scheduler.Now(), url, method,
                    VonageEventJson(call, {call.id, call.to}, "", world_.scheduler.Now())),
      [this, &call, current = WhileCurrent(call)](const Reply& reply) {
        if (current()) Run(call, reply.status / 100 == 2 ? reply.body : "");
      });
}

void NccoRunner::Ended(const Call& call) {
  EndLeg(call);
  const auto found = states_.find(&call);
  if (found == states_.end()) return;
  if (const std::string& url = found->second.recording_url; !url.empty()) {
    TellRecording(call, url, *call.answered, call.duration_s);
  }
  states_.erase(found);
}

// As long as it was in simulated time.
void NccoRunner::TellRecording(const Call& call, const std::string& url, WallTime start,
                               int seconds) {
  const std::string uuid = core::FormatUuid(core::UuidV4());
  const WallTime now = world_.scheduler.Now();
  core::JsonWriter json;
  json.BeginObject().Key("recording_uuid").String(uuid).Key("recording_url");
  json.String("https://api.nexmo.com/v1/files/" + uuid).Key("conversation_uuid");
  json.String("CON-" + call.id).Key("size").Int(seconds * 2000);
  json.Key("start_time").String(VonageTime(start)).Key("end_time");
  json.String(VonageTime(start + std::chrono::seconds(seconds)));
  json.Key("timestamp").String(VonageTime(now)).EndObject();
  world_.webhooks.Post(VonageWebhook(world_.settings, now, url, "POST", json.Take()));
}

void NccoRunner::RecordMessage(Call& call, const NccoAction& action) {
  call.served = true;
  const double seconds = std::min(kMessageSeconds, action.timeout_s);
  Later(call, seconds, [this, &call, url = action.event_url, seconds] {
    TellRecording(call, url, world_.scheduler.Now(), static_cast<int>(seconds));
    Step(call);
  });
}

void NccoRunner::Step(Call& call) {
  State& state = states_[&call];
  while (state.next < state.script.size()) {
    if (!Begin(call, state.script[state.next++])) return;
  }
  // A caller has nothing to listen to once the list is done, unless somebody is there.
  if (!state.heard || (call.inbound && !state.leg)) HangUpSoon(call);
}

// False when the rest of the list has to wait.
bool NccoRunner::Begin(Call& call, const NccoAction& action) {
  State& state = states_[&call];
  if (action.action == "talk" || action.action == "stream") {
    call.said.push_back(action.text);
    state.heard = true;
    return true;
  }
  if (action.action == "record" && action.timeout_s == 0) {
    state.recording_url = action.event_url;
    return true;
  }
  if (action.action == "record") {
    RecordMessage(call, action);
  } else if (action.action == "connect") {
    Connect(call, action);
  } else if (action.action == "wait") {
    Later(call, action.timeout_s, [this, &call] { Step(call); });
  } else if (action.action == "notify") {
    AskNext(call, action.event_url,
            R"({"conversation_uuid":"CON-)" + call.id + R"(","payload":)" + action.payload +
                R"(,"timestamp":")" + VonageTime(world_.scheduler.Now()) + "\"}");
  } else if (action.action == "input") {
    Later(call, action.timeout_s, [this, &call, url = action.event_url] {
      AskNext(call, url,
              VonageEventJson(call, {call.id, call.to}, "", world_.scheduler.Now(),
                              [key = std::exchange(call.key, "")](core::JsonWriter& json) {
                                json.Key("dtmf").BeginObject().Key("digits").String(key);
                                json.Key("timed_out").Bool(key.empty()).EndObject();
                              }));
    });
  } else {
    state.heard = true;  // a conversation lasts until somebody leaves
  }
  return false;
}

void NccoRunner::Connect(Call& call, const NccoAction& action) {
  State& state = states_[&call];
  call.dialed.push_back(action.address);
  state.leg = Leg{core::FormatUuid(core::UuidV4()), action.address, action.event_url, {}};
  TellLeg(call, "started");
  TellLeg(call, "ringing");
  world_.agents.Ring(action.address, action.timeout_s,
                     [this, &call, current = WhileCurrent(call),
                      synchronous = action.synchronous](const std::string& outcome) {
                       if (!current()) return;
                       PickUp(call, outcome == "no-answer" ? "timeout" : outcome, synchronous);
                     });
}

void NccoRunner::PickUp(Call& call, const std::string& status, bool synchronous) {
  State& state = states_[&call];
  if (status == "answered") {
    state.heard = true;
    state.leg->answered = world_.scheduler.Now();
    TellLeg(call, status);
    call.served = true;
    call.talked.push_back(state.leg->address);
    // The time of a call that was placed runs since it was answered.
    if (call.inbound) Later(call, call.plan.talk_s, [this, &call] { hang_up_(call); });
    return;
  }
  const Leg leg = *state.leg;
  if (!synchronous) TellLeg(call, status);
  state.leg.reset();
  if (!synchronous) return Step(call);
  AskNext(call, leg.event_url,
          VonageEventJson(call, {leg.uuid, leg.address}, status, world_.scheduler.Now()));
}

void NccoRunner::TellLeg(const Call& call, const std::string& status) {
  const Leg& leg = *states_[&call].leg;
  if (leg.event_url.empty()) return;
  const WallTime now = world_.scheduler.Now();
  const auto length = [&](core::JsonWriter& json) {
    if (status != "completed") return;
    const double talked_s =
        std::chrono::duration<double>(now - *leg.answered).count() * world_.settings.speed;
    json.Key("duration").String(std::to_string(static_cast<int>(std::ceil(talked_s))));
  };
  world_.webhooks.Post(
      VonageWebhook(world_.settings, now, leg.event_url, "POST",
                    VonageEventJson(call, {leg.uuid, leg.address}, status, now, length)));
}

void NccoRunner::EndLeg(const Call& call) {
  const auto found = states_.find(&call);
  if (found == states_.end() || !found->second.leg) return;
  TellLeg(call, found->second.leg->answered ? "completed" : "cancelled");
  world_.agents.Free(found->second.leg->address);
  found->second.leg.reset();
}

void NccoRunner::AskNext(Call& call, const std::string& url, std::string json) {
  if (url.empty()) return Step(call);
  world_.webhooks.Fetch(
      VonageWebhook(world_.settings, world_.scheduler.Now(), url, "POST", std::move(json)),
      [this, &call, current = WhileCurrent(call)](const Reply& reply) {
        if (!current()) return;
        if (reply.status / 100 == 2 && ParseNcco(reply.body)) {
          Run(call, reply.body);
        } else {
          Step(call);
        }
      });
}

void NccoRunner::Later(Call& call, double seconds, std::function<void()> run) {
  world_.simulation.AfterSimulated(seconds, [current = WhileCurrent(call), run = std::move(run)] {
    if (current()) run();
  });
}

std::function<bool()> NccoRunner::WhileCurrent(const Call& call) {
  return [this, &call, run = states_[&call].run] {
    const auto found = states_.find(&call);
    return call.state == CallState::kAnswered && found != states_.end() && found->second.run == run;
  };
}

void NccoRunner::HangUpSoon(Call& call) {
  Later(call, kHangUpSeconds, [this, &call] { hang_up_(call); });
}

}  // namespace switchboard::carrier
