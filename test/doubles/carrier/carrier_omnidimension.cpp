#include "test/doubles/carrier/carrier_omnidimension.hpp"

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

Answer Refuse(int status, const std::string& text) {
  core::JsonWriter json;
  json.BeginObject().Key("error").String("error").Key("error_description").String(text);
  return Respond(status, json.EndObject().Take());
}

std::string Local(WallTime time, int zone_minutes, const char* format) {
  const auto local =
      std::chrono::floor<std::chrono::seconds>(time) + std::chrono::minutes(zone_minutes);
  return date::format(format, local);
}

// Ids of logs are none of the ids of requests.
std::int64_t LogId(const Call& call) { return 900001 + static_cast<std::int64_t>(call.index); }

std::string CallStatus(const Call& call) {
  if (call.status == "completed" && call.plan.outcome == "machine") return "voicemail_detected";
  return call.status == "no-answer" ? "no_answer" : call.status;
}

void AddLog(core::JsonWriter* json, const Call& call, int zone_minutes) {
  json->BeginObject().Key("id").Int(LogId(call)).Key("bot_name").String("Agent " + call.agent);
  json->Key("time_of_call").String(Local(call.accepted, zone_minutes, "%m/%d/%Y %H:%M:%S"));
  json->Key("from_number").String("+15005550006").Key("to_number").String(call.to);
  json->Key("call_direction").String("outbound").Key("call_duration_in_seconds");
  json->Int(call.duration_s).Key("recording_url");
  if (call.answered) {
    json->String("https://backend.omnidim.io/recordings/" + std::to_string(LogId(call)) + ".mp3");
  } else {
    json->Bool(false);
  }
  json->Key("call_status").String(CallStatus(call)).Key("is_voicemail");
  json->Bool(call.plan.outcome == "machine" && call.answered.has_value());
  json->Key("call_request_id").BeginObject().Key("id").Raw(call.id);
  json->Key("type_of_request").String("single").EndObject().EndObject();
}

// The recording is not ready yet, and what is not known is false.
std::string WebhookJson(const Call& call, WallTime now, int zone_minutes) {
  constexpr char kTime[] = "%F %T";
  core::JsonWriter json;
  json.BeginObject().Key("call_id").Int(LogId(call)).Key("call_sid").String("CA" + FreshId());
  json.Key("bot_id").Raw(call.agent).Key("bot_name").String("Agent " + call.agent);
  json.Key("phone_number").String(call.to).Key("call_direction").String("outbound");
  json.Key("from_number").String("+15005550006").Key("to_number").String(call.to);
  json.Key("call_request_id").Raw(call.id).Key("call_date");
  json.String(Local(call.accepted, zone_minutes, kTime)).Key("start_time");
  json.String(Local(call.accepted, zone_minutes, kTime)).Key("end_time");
  json.String(Local(now, zone_minutes, kTime)).Key("call_duration").Int(call.duration_s);
  json.Key("user_email").String("owner@example.com").Key("call_status").String(CallStatus(call));
  json.Key("hangup_source");
  if (call.answered) {
    json.String("user");
  } else {
    json.Bool(false);
  }
  json.Key("recording_url").Bool(false).Key("recording_available_at").Null();
  json.Key("low_interaction").Bool(false).Key("call_report").BeginObject();
  json.Key("summary");
  if (call.answered) {
    json.String("They talked.").Key("sentiment").String("Positive");
    json.Key("full_conversation").String("Agent: " + (call.said.empty() ? "" : call.said.front()));
  } else {
    json.Bool(false).Key("sentiment").Bool(false).Key("full_conversation").Bool(false);
  }
  json.Key("extracted_variables").BeginObject().EndObject();
  json.Key("interactions").BeginArray().EndArray().EndObject().EndObject();
  return json.Take();
}

std::int64_t Number(const std::string& text, std::int64_t otherwise) {
  return text.empty() ? otherwise : std::max(1, std::atoi(text.c_str()));
}

bool IsLogged(const Call& call) {
  return call.provider == "omnidimension" && call.state == CallState::kEnded;
}

}  // namespace

Answer OmniDimensionFront::Handle(const Request& request, std::string_view resource) {
  const std::string& key = world_.settings.omnidimension_key;
  const std::string_view given = FindHeader(request.headers, "Authorization");
  if (!given.starts_with("Bearer ") || (!key.empty() && given.substr(7) != key)) {
    return Respond(401, R"({"error":"Unauthorized","message":"Invalid API key"})");
  }
  if (resource == "calls/dispatch" && request.method == "POST") return Dispatch(request);
  if (resource == "calls/logs") return ListLogs(request);
  if (resource.starts_with("calls/logs/")) return OneLog(std::string(resource.substr(11)));
  return Refuse(404, "no such path");
}

Answer OmniDimensionFront::Dispatch(const Request& request) {
  const std::optional<core::Json> body = core::TryParseJson(request.body);
  if (!body) return Refuse(400, "malformed JSON");
  const std::string to = core::FindText(*body, "to_number").value_or("");
  const Fault fault = world_.NextFaultFor("create", to);
  if (!Acts(fault)) return Spoil({}, fault, world_.settings, R"({"error":"server error"})");
  if (!to.starts_with('+') || !IsNumber(to.substr(1))) return Refuse(400, "bad to_number");
  const auto agent = core::FindInt(*body, "agent_id");
  if (!agent) return Respond(422, R"({"detail":[{"msg":"agent_id is not a valid integer"}]})");
  if (world_.OverRate()) return Refuse(429, "too many requests");

  const core::JsonValue* context = core::Find(*body, "call_context");
  const bool told = context != nullptr && context->IsObject();
  Call call;
  call.provider = "omnidimension";
  call.id = std::to_string(next_id_++);
  call.to = to;
  call.agent = std::to_string(*agent);
  call.package = request.body;
  if (told) {
    call.reference = core::FindText(*context, "call_log_id").value_or("");
    call.said = {core::FindText(*context, "call_script").value_or("")};
  }
  call.plan = world_.simulation.Plan(to, world_.ledger.TimesDialed(to));
  call.accepted = world_.scheduler.Now();
  call.fault = FaultName(fault);
  Call& placed = world_.ledger.AddCall(std::move(call));
  world_.simulation.Start(placed, [this](Call& changed) { OnStep(changed); });
  core::JsonWriter json;
  json.BeginObject().Key("success").Bool(true).Key("status").String("dispatched");
  json.Key("requestId").Raw(placed.id).Key("custom_variables_count");
  json.Int(told ? context->MemberCount() : 0).EndObject();
  return Spoil(Respond(200, json.Take()), fault, world_.settings, R"({"error":"server error"})");
}

Answer OmniDimensionFront::ListLogs(const Request& request) {
  const Fault fault = world_.NextFaultFor("list", "");
  const std::string agent = QueryValue(request.target, {"agentid"});
  const std::int64_t size = Number(QueryValue(request.target, {"pagesize"}), 10);
  const std::int64_t page = Number(QueryValue(request.target, {"pageno"}), 1);
  core::JsonWriter json;
  std::int64_t total = 0;
  json.BeginObject().Key("call_log_data").BeginArray();
  const auto& calls = world_.ledger.calls();
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    if (!IsLogged(*call) || (!agent.empty() && call->agent != agent)) continue;
    if (total >= (page - 1) * size && total < page * size) {
      AddLog(&json, *call, world_.settings.omnidimension_zone_minutes);
    }
    ++total;
  }
  json.EndArray().Key("total_records").Int(total).EndObject();
  return Spoil(Respond(200, json.Take()), fault, world_.settings, "{}");
}

Answer OmniDimensionFront::OneLog(const std::string& id) {
  const Fault fault = world_.NextFaultFor("list", "");
  for (const Call& call : world_.ledger.calls()) {
    if (!IsLogged(call) || std::to_string(LogId(call)) != id) continue;
    core::JsonWriter json;
    json.BeginObject().Key("call_log_data");
    AddLog(&json, call, world_.settings.omnidimension_zone_minutes);
    return Spoil(Respond(200, json.EndObject().Take()), fault, world_.settings, "{}");
  }
  return Refuse(404, "no such log");
}

void OmniDimensionFront::OnStep(Call& call) {
  if (call.state != CallState::kEnded || world_.settings.omnidimension_webhook.empty()) return;
  Outgoing webhook;
  webhook.url = world_.settings.omnidimension_webhook;
  webhook.headers = {{"Content-Type", "application/json"}};
  webhook.body =
      WebhookJson(call, world_.scheduler.Now(), world_.settings.omnidimension_zone_minutes);
  world_.webhooks.Post(std::move(webhook));
}

}  // namespace switchboard::carrier
