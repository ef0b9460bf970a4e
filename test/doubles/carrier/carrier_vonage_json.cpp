#include "test/doubles/carrier/carrier_vonage_json.hpp"

#include <date/date.h>

#include "test/doubles/carrier/carrier_jwt.hpp"
#include "test/doubles/carrier/carrier_world.hpp"
#include "workers/core/encoding.hpp"

namespace switchboard::carrier {
namespace {

constexpr char kRate[] = "0.00500000";  // euros a minute

std::string Price(const Call& call) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.8f", call.duration_s / 60.0 * std::atof(kRate));
  return text;
}

void AddTime(core::JsonWriter* json, std::string_view key, const std::optional<WallTime>& time) {
  json->Key(key);
  if (time) {
    json->String(VonageTime(*time));
  } else {
    json->Null();
  }
}

void AddPhone(core::JsonWriter* json, std::string_view key, const std::string& number) {
  json->Key(key).BeginObject().Key("type").String("phone");
  json->Key("number").String(number).EndObject();
}

}  // namespace

std::string VonageTime(WallTime time) { return date::format("%FT%TZ", time); }

std::string VonageStatus(const Call& call) {
  static const std::map<std::string, std::string> words{{"queued", "started"},
                                                        {"initiated", "started"},
                                                        {"in-progress", "answered"},
                                                        {"no-answer", "unanswered"},
                                                        {"canceled", "cancelled"}};
  const auto found = words.find(call.status);
  return found == words.end() ? call.status : found->second;
}

std::string VonageCallJson(const Call& call) {
  core::JsonWriter json;
  json.BeginObject().Key("uuid").String(call.id).Key("conversation_uuid").String("CON-" + call.id);
  AddPhone(&json, "to", call.to);
  AddPhone(&json, "from", call.from);
  json.Key("status").String(VonageStatus(call)).Key("direction");
  json.String(call.inbound ? "inbound" : "outbound");
  AddTime(&json, "start_time", call.answered);
  if (call.ended) {
    AddTime(&json, "end_time", call.ended);
    json.Key("rate").String(kRate).Key("price").String(Price(call));
    json.Key("duration").String(std::to_string(call.duration_s));
    json.Key("network").String("GB-FIXED");
  }
  return json.EndObject().Take();
}

Answer VonageError(int status, const std::string& type, const std::string& title,
                   const std::string& parameter) {
  core::JsonWriter json;
  json.BeginObject().Key("type").String(type).Key("error_title").String(title);
  if (!parameter.empty()) {
    json.Key("invalid_parameters").BeginObject().Key(parameter).String("Invalid").EndObject();
  }
  Answer answer;
  answer.status = status;
  answer.body = json.EndObject().Take();
  return answer;
}

std::string VonageEventJson(const Call& call, const VonageLeg& leg, const std::string& status,
                            WallTime now, const MoreMembers& more) {
  core::JsonWriter json;
  // Who has answered is told under another name.
  const bool detected = status == "human" || status == "machine";
  json.BeginObject().Key("from").String(call.from).Key("to").String(leg.to);
  json.Key(detected ? "call_uuid" : "uuid").String(leg.uuid);
  json.Key("conversation_uuid").String("CON-" + call.id);
  if (!status.empty()) {
    json.Key("status").String(status).Key("direction");
    json.String(call.inbound && leg.uuid == call.id ? "inbound" : "outbound");
  }
  json.Key("timestamp").String(VonageTime(now));
  if (status == "completed" && leg.uuid == call.id) {
    AddTime(&json, "start_time", call.answered);
    AddTime(&json, "end_time", call.ended);
    json.Key("duration").String(std::to_string(call.duration_s));
    json.Key("rate").String(kRate).Key("price").String(Price(call));
    json.Key("network").String("GB-FIXED");
  }
  if (more) more(json);
  return json.EndObject().Take();
}

Outgoing VonageWebhook(const Settings& settings, WallTime now, std::string url,
                       const std::string& method, std::string json) {
  Outgoing request;
  request.method = method;
  if (method == "GET") {
    core::FormFields fields;
    const core::Json members = core::ParseJson(json);
    for (const auto& member : members.GetObject()) {
      const std::string name(core::AsString(member.name));
      fields.emplace_back(name, core::FindText(members, name).value_or(""));
    }
    url += (url.find('?') == std::string::npos ? "?" : "&") + core::FormEncode(fields);
  } else {
    request.headers = {{"Content-Type", "application/json"}};
    request.body = std::move(json);
  }
  if (!settings.vonage_signature_secret.empty()) {
    const auto issued = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    request.headers.emplace_back(
        "Authorization",
        "Bearer " + WebhookToken(settings.vonage_signature_secret, settings.vonage_application,
                                 FreshId(), issued, request.body));
  }
  request.url = std::move(url);
  return request;
}

}  // namespace switchboard::carrier
