#include "test/doubles/carrier/carrier_twilio_json.hpp"

#include <date/date.h>

#include <algorithm>

#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"

namespace switchboard::carrier {
namespace {

constexpr char kApiVersion[] = "2010-04-01";

void AddDate(core::JsonWriter* json, std::string_view key, const std::optional<WallTime>& time) {
  json->Key(key);
  if (time) {
    json->String(TwilioDate(*time));
  } else {
    json->Null();
  }
}

void AddText(core::JsonWriter* json, std::string_view key, const std::string& text) {
  json->Key(key);
  if (text.empty()) {
    json->Null();
  } else {
    json->String(text);
  }
}

// "initiated" is an event of the webhooks; the resource is queued until it rings.
std::string ResourceStatus(const Call& call) {
  return call.status == "initiated" ? "queued" : call.status;
}

}  // namespace

std::string TwilioDate(WallTime time) {
  return date::format("%a, %d %b %Y %T +0000", std::chrono::floor<std::chrono::seconds>(time));
}

std::string TwilioCallJson(const Call& call) {
  // Null until it starts, as the real list may do for calls still queued.
  const bool started = call.state != CallState::kQueued;
  core::JsonWriter json;
  json.BeginObject().Key("sid").String(call.id).Key("account_sid").String(call.account);
  json.Key("parent_call_sid").Null().Key("to").String(call.to).Key("to_formatted").String(call.to);
  json.Key("from").String(call.from).Key("from_formatted").String(call.from);
  json.Key("status").String(ResourceStatus(call));
  AddDate(&json, "start_time", started ? std::optional(call.accepted) : std::nullopt);
  AddDate(&json, "end_time", call.ended);
  AddText(&json, "duration", call.ended ? std::to_string(call.duration_s) : "");
  json.Key("price").Null().Key("price_unit").String("USD").Key("direction").String("outbound-api");
  AddText(&json, "answered_by", call.answered_by);
  json.Key("api_version").String(kApiVersion).Key("queue_time").String("0");
  AddDate(&json, "date_created", call.accepted);
  AddDate(&json, "date_updated", call.ended ? call.ended : std::optional(call.accepted));
  json.Key("uri").String("/" + std::string(kApiVersion) + "/Accounts/" + call.account + "/Calls/" +
                         call.id + ".json");
  json.Key("subresource_uris").BeginObject().EndObject().EndObject();
  return json.Take();
}

std::string TwilioMessageJson(const Message& message) {
  core::JsonWriter json;
  json.BeginObject().Key("sid").String(message.id).Key("account_sid").String(message.account);
  AddText(&json, "messaging_service_sid", message.service);
  json.Key("to").String(message.to);
  AddText(&json, "from", message.from);
  json.Key("body").String(message.body).Key("status").String(message.status);
  json.Key("direction").String("outbound-api").Key("num_segments").String("1");
  json.Key("num_media").String(std::to_string(message.media.size()));
  json.Key("price").Null().Key("price_unit").String("USD").Key("error_code");
  if (message.error_code.empty()) {
    json.Null();
  } else {
    json.Raw(message.error_code);
  }
  json.Key("error_message").Null().Key("api_version").String(kApiVersion);
  AddDate(&json, "date_created", message.accepted);
  AddDate(&json, "date_sent", message.accepted);
  AddDate(&json, "date_updated", message.accepted);
  json.Key("uri").String("/" + std::string(kApiVersion) + "/Accounts/" + message.account +
                         "/Messages/" + message.id + ".json");
  json.Key("subresource_uris").BeginObject().EndObject().EndObject();
  return json.Take();
}

std::string TwilioErrorJson(int status, int code, const std::string& message) {
  core::JsonWriter json;
  json.BeginObject().Key("code").Int(code).Key("message").String(message);
  json.Key("more_info").String("https://www.twilio.com/docs/errors/" + std::to_string(code));
  json.Key("status").Int(status).EndObject();
  return json.Take();
}

Answer TwilioError(int status, int code, const std::string& message) {
  Answer answer;
  answer.status = status;
  answer.body = TwilioErrorJson(status, code, message);
  return answer;
}

std::string TwilioPageJson(const std::string& name, const std::vector<std::string>& entries,
                           const Request& request, bool more) {
  core::FormFields query = core::ParseForm(core::QueryOf(request.target));
  const auto page = std::find_if(query.begin(), query.end(),
                                 [](const auto& field) { return field.first == "Page"; });
  const int number = page == query.end() ? 0 : std::atoi(page->second.c_str());
  if (page != query.end()) query.erase(page);
  query.emplace_back("Page", std::to_string(number + 1));

  core::JsonWriter json;
  json.BeginObject().Key(name).BeginArray();
  for (const std::string& entry : entries) json.Raw(entry);
  json.EndArray().Key("page").Int(number).Key("next_page_uri");
  if (more) {
    json.String(std::string(request.path()) + "?" + core::FormEncode(query));
  } else {
    json.Null();
  }
  json.EndObject();
  return json.Take();
}

}  // namespace switchboard::carrier
