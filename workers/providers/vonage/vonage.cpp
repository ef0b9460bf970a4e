#include "workers/providers/vonage/vonage.hpp"

#include <algorithm>

#include "workers/core/encoding.hpp"
#include "workers/providers/fields.hpp"
#include "workers/providers/outcome.hpp"
#include "workers/providers/vonage/ncco.hpp"
#include "workers/providers/vonage/vonage_common.hpp"

namespace switchboard::providers::vonage {
namespace {

constexpr KindInfo kKinds[] = {{"call", true, true}, {"call.update"}, {"call.status"}};

constexpr std::int64_t kMaxRingSeconds = 120;
constexpr std::int64_t kBeepSeconds = 45;

// A phone number, or an address that says what it is: sip:…, client:NAME (a user of the
// application), wss:… .
void AddEndpoint(const std::string& address, core::JsonWriter* json) {
  json->BeginObject().Key("type");
  if (address.starts_with("sip:") || address.starts_with("sips:")) {
    json->String("sip").Key("uri").String(address);
  } else if (address.starts_with("client:")) {
    json->String("app").Key("user").String(address.substr(7));
  } else if (address.starts_with("wss:")) {
    json->String("websocket").Key("uri").String(address);
    json->Key("content-type").String("audio/l16;rate=16000");
  } else {
    json->String("phone").Key("number").String(Digits(address));
  }
  json->EndObject();
}

void AddUrl(std::string_view key, std::string_view method_key, const std::string& url,
            core::JsonWriter* json) {
  json->Key(key).BeginArray().String(url).EndArray();
  // Of a GET only the fact that it was made is signed, not what it says.
  json->Key(method_key).String("POST");
}

// Detection comes before the answer is acted on, unless the payload has an address for its result:
// then the call goes on meanwhile.
void AddMachineDetection(const core::Json& payload, core::JsonWriter* json) {
  const std::string wanted = Text(payload, "machine_detection");
  if (wanted != "enable" && wanted != "detect_message_end") return;
  const bool meanwhile = !Text(payload, "amd_url").empty();
  const bool beep = wanted == "detect_message_end";
  json->Key("advanced_machine_detection").BeginObject().Key("behavior").String("continue");
  json->Key("mode").String(meanwhile ? "default" : beep ? "detect_beep" : "detect");
  if (beep || meanwhile) json->Key("beep_timeout").Int(kBeepSeconds);
  json->EndObject();
}

void AddCallOptions(const core::Json& payload, core::JsonWriter* json) {
  if (const std::string url = Text(payload, "status_url"); !url.empty()) {
    AddUrl("event_url", "event_method", url, json);
  }
  if (const auto timeout = core::FindInt(payload, "timeout_s")) {
    json->Key("ringing_timer").Int(std::clamp<std::int64_t>(*timeout, 1, kMaxRingSeconds));
  }
  AddMachineDetection(payload, json);
}

Built BuildCall(const core::Json& payload, const Job& job, const Account& account, Instant now) {
  const std::string to = Text(payload, "to");
  const std::string from = Text(payload, "from");
  if (to.empty()) return BadPayload("the call names no number to dial");
  if (from.empty()) return BadPayload("the call names no number to dial from");
  core::JsonWriter body;
  body.BeginObject().Key("to").BeginArray();
  AddEndpoint(to, &body);
  body.EndArray().Key("from");
  AddEndpoint(from, &body);
  const core::JsonValue* say = core::Find(payload, "say");
  const std::string text = say != nullptr ? Text(*say, "text") : "";
  if (const std::string url = Text(payload, "answer_url"); !url.empty()) {
    AddUrl("answer_url", "answer_method", url, &body);
  } else if (!text.empty()) {
    const bool record = core::FindBool(payload, "record").value_or(false);
    body.Key("ncco").Raw(SayNcco(text, Text(*say, "language"),
                                 record ? Text(payload, "recording_url") : std::string()));
  } else {
    return BadPayload("the call has neither answer_url nor a text to say");
  }
  AddCallOptions(payload, &body);
  Built built = Request("POST", "", job, account, now, body.EndObject().Take());
  if (auto* request = std::get_if<HttpRequest>(&built)) request->fresh_connection = true;
  return built;
}

// {"action":"transfer","destination":{"type":"ncco",…}}
std::string Transfer(std::string_view destination, const std::string& json) {
  core::JsonWriter body;
  body.BeginObject().Key("action").String("transfer").Key("destination").BeginObject();
  body.Key("type").String("ncco").Key(destination).Raw(json).EndObject().EndObject();
  return body.Take();
}

Built BuildUpdate(const core::Json& payload, const std::string& rest, const Job& job,
                  const Account& account, Instant now) {
  const std::string action = Text(payload, "action");
  const std::string url = Text(payload, "url");
  const std::string audio = Text(payload, "audio_url");
  std::string body;
  if (action == "hangup" || action == "cancel") {
    body = R"({"action":"hangup"})";
  } else if ((action == "redirect" || action == "transfer") && !url.empty()) {
    body = Transfer("url", "[" + core::JsonQuote(url) + "]");
  } else if (action == "play" && !audio.empty()) {
    body = Transfer("ncco", PlayNcco(audio));
  } else {
    return BadPayload("a call cannot be changed by action \"" + action + "\"");
  }
  return Request("PUT", rest, job, account, now, std::move(body));
}

Result Placed(const core::Json& body, Result doubt) {
  const std::string uuid = Text(body, "uuid");
  if (uuid.empty()) return doubt;
  core::JsonWriter response;
  response.BeginObject().Key("status").String(Text(body, "status")).EndObject();
  return Taken(uuid, response.Take());
}

Result Reported(const core::Json& body, Result unread) {
  const std::string status = Text(body, "status");
  if (OurStatus(status).empty()) return unread;
  core::JsonWriter response;
  response.BeginObject().Key("status").String(OurStatus(status));
  if (status == "human" || status == "machine") response.Key("answered_by").String(status);
  for (const auto& [theirs, ours] :
       {std::pair{"duration", "duration"}, {"end_time", "ended_at"}, {"price", "price"}}) {
    if (std::string value = Text(body, theirs); !value.empty()) response.Key(ours).String(value);
  }
  if (!Text(body, "price").empty()) response.Key("currency").String("EUR");
  return Taken("", response.EndObject().Take());
}

// The parameter that an error names first: a list of objects, or one object with a member each.
std::string BadParameter(const core::Json& body) {
  const core::JsonValue* invalid = core::Find(body, "invalid_parameters");
  if (invalid != nullptr && invalid->IsArray() && !invalid->Empty()) {
    return Text((*invalid)[0], "name");
  }
  if (invalid != nullptr && invalid->IsObject() && invalid->MemberCount() > 0) {
    return std::string(core::AsString(invalid->MemberBegin()->name));
  }
  return "";
}

// Errors are problem documents, older ones {"type":"UNAUTHORIZED","error_title":"…"}.
Result Refused(const core::Json& body, int status, Result result) {
  std::string type = Text(body, "type");
  if (const std::size_t hash = type.rfind('#'); hash != std::string::npos) type.erase(0, hash + 1);
  std::string text = Text(body, "title");
  if (text.empty()) text = Text(body, "error_title");
  if (const std::string detail = Text(body, "detail"); !detail.empty()) {
    text += text.empty() ? detail : ": " + detail;
  }
  const std::string parameter = BadParameter(body);
  if (!parameter.empty()) text += text.empty() ? parameter : " (" + parameter + ")";
  if (!type.empty()) result.code = type;
  if (!text.empty()) result.error = text;
  // The number dialed is what they cannot read.
  if ((status == 400 || status == 422) && (parameter == "to" || parameter.starts_with("to["))) {
    result.outcome = Outcome::kSuppress;
  }
  return result;
}

// Whether nothing is left to do once the call is over: it needs no hanging up, and a caller who has
// hung up while waiting needs no agent.
bool EndsWithCall(const Job& job) {
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  const std::string action = payload ? Text(*payload, "action") : "";
  return job.kind == "call.update" &&
         (action == "hangup" || action == "cancel" || action == "transfer");
}

Result InterpretAnswer(const Job& job, const HttpResponse& response, Result result) {
  const bool taken = response.status / 100 == 2;
  const bool over = response.status == 404 || response.status == 409;
  if (job.kind == "call.update" && (taken || (over && EndsWithCall(job)))) return Taken("");
  if (response.status == 402) result.account_fault = true;  // no credit
  const std::optional<core::Json> body = core::TryParseJson(response.body);
  if (!body) return result;
  if (!taken) return Refused(*body, response.status, std::move(result));
  return job.kind == "call" ? Placed(*body, std::move(result)) : Reported(*body, std::move(result));
}

}  // namespace

Capabilities Vonage::capabilities() const { return {kKinds}; }

Built Vonage::BuildRequest(const Job& job, const Account& account, Instant now) const {
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  if (!payload) return BadPayload("the payload is not JSON");
  if (job.kind == "call") return BuildCall(*payload, job, account, now);
  if (job.kind != "call.update" && job.kind != "call.status") {
    return BadPayload("vonage does not take jobs of kind " + job.kind);
  }
  const std::string uuid = Text(*payload, "provider_call_id");
  if (uuid.empty()) return BadPayload("the call has no provider id");
  const std::string rest = "/" + core::UrlEncode(uuid);
  if (job.kind == "call.status") return Request("GET", rest, job, account, now);
  return BuildUpdate(*payload, rest, job, account, now);
}

Result Vonage::Interpret(const Job& job, const Account& account, const HttpResponse& response,
                         Instant now) const {
  const Effect effect = job.kind == "call.status" ? Effect::kRead : Effect::kWrite;
  Result result = DefaultOutcome(effect, response, now);
  if (response.transport == Transport::kAnswered) {
    result = InterpretAnswer(job, response, std::move(result));
  }
  return Finish(std::move(result), account);
}

}  // namespace switchboard::providers::vonage
