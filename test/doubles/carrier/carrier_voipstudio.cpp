#include "test/doubles/carrier/carrier_voipstudio.hpp"

#include <date/date.h>

#include <algorithm>

#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"

namespace switchboard::carrier {
namespace {

Answer Respond(int status, std::string body) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

std::string ErrorJson(const std::string& message) {
  core::JsonWriter json;
  json.BeginObject().Key("message").String(message).Key("errors").BeginArray();
  json.BeginObject().Key("message").String(message).EndObject().EndArray().EndObject();
  return json.Take();
}

Answer InvalidField(const std::string& field) {
  core::JsonWriter json;
  json.BeginObject().Key("message").String("Validation error").Key("errors").BeginArray();
  json.BeginObject().Key("field").String(field).Key("message").String("This value is not valid");
  json.Key("code").String("SF0010").EndObject().EndArray().EndObject();
  return Respond(400, json.Take());
}

std::string LocalTime(WallTime time) {
  return date::format("%F %T", std::chrono::floor<std::chrono::seconds>(time));
}

std::int64_t UnixSeconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

std::string State(const Call& call) {
  switch (call.state) {
    case CallState::kQueued:
      return "INITIAL";
    case CallState::kInitiated:
    case CallState::kRinging:
      return "RINGING";
    case CallState::kAnswered:
      return "CONNECTED";
    case CallState::kEnded:
      return "HANGUP";
  }
  return "";
}

void AddCall(core::JsonWriter* json, const Call& call) {
  json->BeginObject().Key("id").Raw(call.id).Key("state").String(State(call));
  json->Key("src_id").String(call.agent).Key("src_name").String("Agent " + call.agent);
  json->Key("dst").String(call.to).Key("dst_name").Null().Key("clid").String(call.caller_id);
  json->Key("start_time").Int(UnixSeconds(call.accepted)).EndObject();
}

void AddRecord(core::JsonWriter* json, const Call& call) {
  json->BeginObject().Key("id").Int(static_cast<std::int64_t>(call.index) + 1);
  json->Key("live_id").Raw(call.id).Key("calldate").String(LocalTime(call.accepted));
  json->Key("src_id").String(call.agent).Key("dst").String(call.to).Key("clid");
  json->String(call.caller_id).Key("billsec").Int(call.duration_s).Key("duration");
  json->Int(call.duration_s).Key("destination").String("out").Key("disposition");
  json->String(call.answered ? "ANSWERED" : "NO ANSWER").EndObject();
}

// One condition of a record filter.
struct Condition {
  std::string property;
  std::string op;
  std::string value;
};

std::vector<Condition> ReadFilter(const std::string& text) {
  std::vector<Condition> conditions;
  const std::optional<core::Json> filter = core::TryParseJson(text);
  if (!filter || !filter->IsArray()) return conditions;
  for (const core::JsonValue& entry : filter->GetArray()) {
    conditions.push_back({core::FindText(entry, "property").value_or(""),
                          core::FindText(entry, "operator").value_or("eq"),
                          core::FindText(entry, "value").value_or("")});
  }
  return conditions;
}

bool Meets(const Call& call, const Condition& condition) {
  const std::map<std::string, std::string> record{{"calldate", LocalTime(call.accepted)},
                                                  {"dst", call.to},
                                                  {"src_id", call.agent},
                                                  {"live_id", call.id}};
  const auto found = record.find(condition.property);
  if (found == record.end()) return false;
  const int order = found->second.compare(condition.value);
  if (condition.op == "eq") return order == 0;
  if (condition.op == "like") return found->second.find(condition.value) != std::string::npos;
  if (condition.op == "gt") return order > 0;
  if (condition.op == "gte") return order >= 0;
  if (condition.op == "lt") return order < 0;
  return condition.op == "lte" && order <= 0;
}

std::string EventName(const Call& call) {
  switch (call.state) {
    case CallState::kQueued:
      return "call.initial";
    case CallState::kInitiated:
    case CallState::kRinging:
      return "call.ringing";
    case CallState::kAnswered:
      return "call.connected";
    case CallState::kEnded:
      return "call.hangup";
  }
  return "";
}

std::string Cause(const Call& call) {
  if (call.answered || call.status == "canceled") return "Normal Clearing";
  if (call.status == "busy") return "User Busy";
  if (call.status == "failed") return "Unallocated Number";
  return "No Answer";
}

std::string EventJson(const Call& call, WallTime now) {
  const bool ended = call.state == CallState::kEnded;
  core::JsonWriter json;
  json.BeginObject().Key("id").String("uk003." + FreshId().substr(0, 22));
  json.Key("event_time").String(LocalTime(now)).Key("event_name").String(EventName(call));
  json.Key("call_id").Raw(call.id).Key("root_call_id").Raw(call.id);
  json.Key("state").String(State(call)).Key("connected_at");
  if (call.answered) {
    json.String(LocalTime(*call.answered));
  } else {
    json.Null();
  }
  json.Key("start_time").String(LocalTime(call.accepted)).Key("context").String("LOCAL_USER");
  json.Key("destination").String("out").Key("duration").Int(call.duration_s);
  if (ended) json.Key("t_cause").String(Cause(call));
  json.Key("src").String(call.caller_id).Key("src_id").String(call.agent);
  json.Key("dst").String(call.to).Key("dst_id").Null();
  json.Key("final").Bool(ended).EndObject();
  return json.Take();
}

}  // namespace

Answer VoipStudioFront::Handle(const Request& request, std::string_view resource) {
  const std::string& token = world_.settings.voipstudio_token;
  const std::string_view given = FindHeader(request.headers, "X-Auth-Token");
  if (given.empty() || (!token.empty() && given != token)) {
    return Respond(401, ErrorJson("Unauthorized"));
  }
  if (resource == "ping") return Respond(200, R"({"data":{"response":"Pong"}})");
  if (resource == "calls" && request.method == "POST") return CreateCall(request);
  if (resource == "calls") return ListLive();
  if (resource == "cdrs") return ListRecords(request);
  if (resource.starts_with("calls/") && request.method == "DELETE") {
    return HangUp(std::string(resource.substr(6)));
  }
  return Respond(404, ErrorJson("Not found"));
}

bool VoipStudioFront::OverMinuteRate() {
  if (world_.settings.voipstudio_per_minute <= 0) return false;
  const std::int64_t minute = UnixSeconds(world_.scheduler.Now()) / 60;
  if (minute != rate_minute_) rate_count_ = 0;
  rate_minute_ = minute;
  return ++rate_count_ > world_.settings.voipstudio_per_minute;
}

Answer VoipStudioFront::CreateCall(const Request& request) {
  const std::optional<core::Json> body = core::TryParseJson(request.body);
  if (!body) return Respond(400, ErrorJson("Malformed JSON"));
  const std::string to = core::FindText(*body, "to").value_or("");
  const Fault fault = world_.NextFaultFor("create", to);
  const std::string refusal = ErrorJson("Server error");
  if (!Acts(fault)) return Spoil({}, fault, world_.settings, refusal);
  if (!IsNumber(to)) return InvalidField("to");
  const std::string agent = core::FindText(*body, "from").value_or("");
  const auto& offline = world_.settings.offline_agents;
  if (std::find(offline.begin(), offline.end(), agent) != offline.end()) {
    return Respond(412, ErrorJson("Unable to make a call with no VoIP clients registered"));
  }
  if (OverMinuteRate()) {
    return Respond(400, ErrorJson("Maximum per minute call rate exceeded for " + agent));
  }

  Call call;
  call.provider = "voipstudio";
  call.id = std::to_string(next_id_++);
  call.to = to;
  call.agent = agent;
  call.caller_id = core::FindText(*body, "caller_id").value_or("");
  call.from = call.caller_id;
  call.plan = world_.simulation.Plan(to, world_.ledger.TimesDialed(to));
  call.accepted = world_.scheduler.Now();
  call.fault = FaultName(fault);
  Call& placed = world_.ledger.AddCall(std::move(call));
  world_.simulation.Start(placed, [this](Call& changed) { OnStep(changed); });
  core::JsonWriter json;
  json.BeginObject().Key("data");
  AddCall(&json, placed);
  json.EndObject();
  return Spoil(Respond(201, json.Take()), fault, world_.settings, refusal);
}

Answer VoipStudioFront::HangUp(const std::string& id) {
  Call* call = world_.ledger.FindCall(id);
  if (call == nullptr || call->state == CallState::kEnded)
    return Respond(404, ErrorJson("Not found"));
  const Fault fault = world_.NextFaultFor("update", call->to);
  if (Acts(fault)) {
    world_.simulation.End(*call, call->answered ? "completed" : "canceled",
                          [this](Call& changed) { OnStep(changed); });
  }
  return Spoil(Respond(204, ""), fault, world_.settings, ErrorJson("Server error"));
}

Answer VoipStudioFront::ListLive() {
  const Fault fault = world_.NextFaultFor("list", "");
  core::JsonWriter json;
  std::int64_t total = 0;
  json.BeginObject().Key("data").BeginArray();
  for (const Call& call : world_.ledger.calls()) {
    if (call.provider != "voipstudio" || call.state == CallState::kEnded) continue;
    AddCall(&json, call);
    ++total;
  }
  json.EndArray().Key("total").Int(total).EndObject();
  return Spoil(Respond(200, json.Take()), fault, world_.settings, ErrorJson("Server error"));
}

Answer VoipStudioFront::ListRecords(const Request& request) {
  const Fault fault = world_.NextFaultFor("list", "");
  const std::vector<Condition> filter = ReadFilter(QueryValue(request.target, {"filter"}));
  const std::string limit_text = QueryValue(request.target, {"limit"});
  const std::string page_text = QueryValue(request.target, {"page"});
  const std::int64_t limit = std::max(1, limit_text.empty() ? 25 : std::atoi(limit_text.c_str()));
  const std::int64_t page = std::max(1, std::atoi(page_text.c_str()));
  core::JsonWriter json;
  std::int64_t total = 0;
  json.BeginObject().Key("data").BeginArray();
  const auto& calls = world_.ledger.calls();
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    if (call->provider != "voipstudio" || call->state != CallState::kEnded) continue;
    const auto meets = [&](const Condition& condition) { return Meets(*call, condition); };
    if (!std::all_of(filter.begin(), filter.end(), meets)) continue;
    if (total >= (page - 1) * limit && total < page * limit) AddRecord(&json, *call);
    ++total;
  }
  json.EndArray().Key("total").Int(total).EndObject();
  return Spoil(Respond(200, json.Take()), fault, world_.settings, ErrorJson("Server error"));
}

void VoipStudioFront::OnStep(Call& call) {
  if (world_.settings.voipstudio_events.empty()) return;
  Outgoing webhook;
  webhook.url = world_.settings.voipstudio_events;
  webhook.headers = {{"Content-Type", "application/json"}};
  webhook.body = EventJson(call, world_.scheduler.Now());
  world_.webhooks.Post(std::move(webhook));
}

}  // namespace switchboard::carrier
