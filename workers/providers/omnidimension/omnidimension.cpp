#include "workers/providers/omnidimension/omnidimension.hpp"

#include "workers/core/encoding.hpp"
#include "workers/providers/fields.hpp"
#include "workers/providers/json_slice.hpp"
#include "workers/providers/omnidimension/omnidimension_common.hpp"
#include "workers/providers/outcome.hpp"

namespace switchboard::providers::omnidimension {
namespace {

constexpr std::string_view kPublicBase = "https://backend.omnidim.io/api/v1";

constexpr KindInfo kKinds[] = {{"call", true, true}, {"call.status"}};

constexpr std::chrono::seconds kTimeout{60};  // that of its SDK

// The context of the payload byte for byte, so that money keeps its cents, with the job's id; the
// text of a call without a package becomes its script.
std::string Context(const Job& job, const core::JsonValue& payload) {
  std::string context = R"({"job_id":)" + core::JsonQuote(job.id);
  if (const core::JsonValue* say = core::Find(payload, "say")) {
    context += R"(,"call_script":)" + core::JsonQuote(Text(*say, "text"));
  }
  const std::string given(SliceMember(job.payload, "context").value_or("{}"));
  const std::size_t first = given.find_first_not_of(" \t\r\n", 1);
  if (given.front() != '{' || given[first] == '}') return context + "}";
  return context + "," + given.substr(1);
}

Built BuildCall(const Job& job, const Account& account, const core::JsonValue& payload) {
  const std::string to = Text(payload, "to");
  if (to.empty()) return BadPayload("the call names no number to dial");
  const std::string agent = Id(payload, account, "agent_id");
  if (agent.empty()) return BadAccount("neither campaign nor account has a numeric agent_id");
  core::JsonWriter body;
  body.BeginObject().Key("agent_id").Raw(agent).Key("to_number").String("+" + Digits(to));
  if (const std::string from = Id(payload, account, "from_number_id"); !from.empty()) {
    body.Key("from_number_id").Raw(from);
  }
  body.Key("call_context").Raw(Context(job, payload)).EndObject();

  HttpRequest request = Request("POST", "/calls/dispatch", account);
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = body.Take();
  request.fresh_connection = true;
  return request;
}

// Asks for the log of a call by its own id where that is known, else for the newest ones.
Built BuildStatus(const Account& account, const core::JsonValue& payload) {
  if (const std::string log = Text(payload, "log_id"); !log.empty()) {
    return Request("GET", "/calls/logs/" + core::UrlEncode(log), account);
  }
  if (Text(payload, "provider_call_id").empty()) return BadPayload("the call has no provider id");
  return Request("GET", LogsPath("", 1), account);
}

// The first string of an error answer, in the order of the provider's own SDK. A refused field is
// told as [{"loc":…,"msg":…}].
std::string ErrorText(const core::JsonValue& body) {
  for (const char* key : {"error_description", "error", "detail", "message"}) {
    if (const auto text = core::FindString(body, key)) return std::string(*text);
  }
  const core::JsonValue* detail = core::Find(body, "detail");
  if (detail == nullptr || !detail->IsArray() || detail->Empty()) return "";
  return Text((*detail)[0], "msg");
}

Result Dispatched(const core::Json& body, Result doubt) {
  if (core::FindBool(body, "success") == false) {
    const std::string text = ErrorText(body);
    doubt.outcome = Outcome::kPermanent;
    doubt.code = "refused";
    doubt.error = text.empty() ? "dispatch without success" : text;
    return doubt;
  }
  const std::string id = Told(body, "requestId");
  return id.empty() ? doubt : Taken(id);
}

std::string OurStatus(const std::string& theirs) {
  if (theirs == "completed" || theirs == "voicemail_detected") return "completed";
  if (theirs == "busy" || theirs == "failed") return theirs;
  if (theirs == "no-answer" || theirs == "no_answer") return "no-answer";
  return theirs == "cancelled" || theirs == "canceled" ? "canceled" : "";
}

bool IsVoicemail(const core::JsonValue& entry) {
  return Told(entry, "call_status") == "voicemail_detected" ||
         core::FindBool(entry, "is_voicemail") == true;
}

// The record of the call among what was answered: one record, or a list of them.
const core::JsonValue* FindRecord(const core::JsonValue& body, const core::JsonValue* data,
                                  const std::string& request_id) {
  if (data == nullptr) return core::Find(body, "call_status") != nullptr ? &body : nullptr;
  if (!data->IsArray()) return data->IsObject() ? data : nullptr;
  for (const core::JsonValue& entry : data->GetArray()) {
    if (request_id.empty() || RequestId(entry) == request_id) return &entry;
  }
  return nullptr;
}

Result Reported(const Job& job, const core::Json& body, Result unread) {
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  if (!payload) return unread;
  const core::JsonValue* data = core::Find(body, "call_log_data");
  const core::JsonValue* entry = FindRecord(body, data, Text(*payload, "provider_call_id"));
  // A call that goes on need not be in the logs yet.
  if (entry == nullptr) return data == nullptr ? unread : Taken("");
  const std::string status = OurStatus(Told(*entry, "call_status"));
  if (status.empty()) return Taken("");
  core::JsonWriter response;
  response.BeginObject().Key("status").String(status);
  const std::string seconds = Told(*entry, "call_duration_in_seconds");
  if (!seconds.empty()) response.Key("duration").String(seconds);
  if (IsVoicemail(*entry)) response.Key("answered_by").String("machine");
  const std::string recording = Told(*entry, "recording_url");
  if (!recording.empty()) response.Key("recording_url").String(recording);
  const std::string log = Told(*entry, "id");
  if (!log.empty()) response.Key("log_id").String(log);
  return Taken("", response.EndObject().Take());
}

}  // namespace

HttpRequest Request(std::string_view method, const std::string& path, const Account& account) {
  HttpRequest request;
  request.method = method;
  request.url = BaseUrl(account, kPublicBase) + path;
  request.headers = {{"Authorization", "Bearer " + std::string(Secret(account, "api_key"))},
                     {"Accept", "application/json"}};
  request.timeout = kTimeout;
  return request;
}

std::string LogsPath(const std::string& agent, std::size_t page) {
  std::string path =
      "/calls/logs?pageno=" + std::to_string(page) + "&pagesize=" + std::to_string(kPageSize);
  return agent.empty() ? path : path + "&agentid=" + agent;
}

std::string Id(const core::JsonValue& payload, const Account& account, std::string_view key) {
  std::string id = Text(payload, key);
  if (id.empty()) {
    const std::optional<core::Json> settings = core::TryParseJson(account.settings);
    if (settings) id = Text(*settings, key);
  }
  const bool whole = !id.empty() && id.size() <= 18 &&
                     id.find_first_not_of("0123456789") == std::string::npos && id.front() != '0';
  return whole ? id : "";
}

std::string Told(const core::JsonValue& object, std::string_view key) {
  return core::FindBool(object, key) ? "" : Text(object, key);
}

std::string RequestId(const core::JsonValue& entry) {
  const core::JsonValue* id = core::Find(entry, "call_request_id");
  if (id != nullptr && id->IsObject()) return Told(*id, "id");
  return Told(entry, "call_request_id");
}

Capabilities OmniDimension::capabilities() const { return {kKinds}; }

Built OmniDimension::BuildRequest(const Job& job, const Account& account, Instant) const {
  if (Secret(account, "api_key").empty()) return BadAccount("the account has no secret api_key");
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  if (!payload || !payload->IsObject()) return BadPayload("the payload is not a JSON object");
  if (job.kind == "call") return BuildCall(job, account, *payload);
  if (job.kind == "call.status") return BuildStatus(account, *payload);
  return BadPayload("omnidimension does not take jobs of kind " + job.kind);
}

Result OmniDimension::Interpret(const Job& job, const Account& account,
                                const HttpResponse& response, Instant now) const {
  const bool asking = job.kind == "call.status";
  Result result = DefaultOutcome(asking ? Effect::kRead : Effect::kWrite, response, now);
  if (response.transport == Transport::kAnswered) {
    const std::optional<core::Json> body = core::TryParseJson(response.body);
    if (body && response.status / 100 == 2) {
      result =
          asking ? Reported(job, *body, std::move(result)) : Dispatched(*body, std::move(result));
    } else if (body) {
      if (std::string text = ErrorText(*body); !text.empty()) result.error = std::move(text);
    }
  }
  return Finish(std::move(result), account);
}

}  // namespace switchboard::providers::omnidimension
