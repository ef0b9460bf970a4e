#include "workers/providers/twilio/twilio.hpp"

#include <algorithm>

#include "workers/core/encoding.hpp"
#include "workers/providers/fields.hpp"
#include "workers/providers/outcome.hpp"
#include "workers/providers/twilio/twilio_codes.hpp"
#include "workers/providers/twilio/twilio_common.hpp"
#include "workers/providers/twilio/twilio_status.hpp"
#include "workers/providers/twilio/twiml.hpp"

namespace switchboard::providers::twilio {
namespace {

constexpr KindInfo kKinds[] = {
    {"call", true, true}, {"call.update"}, {"call.status"}, {"message", false, true}};

constexpr std::int64_t kMaxRingSeconds = 600;
constexpr std::int64_t kCallNotInProgress = 21220;
constexpr std::chrono::hours kTomorrow{24};

HttpRequest Post(std::string url, const Credentials& credentials, const core::FormFields& form) {
  HttpRequest request = Request("POST", std::move(url), credentials);
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  request.body = core::FormEncode(form);
  return request;
}

// Detection comes before the answer is acted on, unless the payload has an address for its result:
// then the call goes on meanwhile.
void AddMachineDetection(const core::Json& payload, core::FormFields* form) {
  const std::string wanted = Text(payload, "machine_detection");
  if (wanted != "enable" && wanted != "detect_message_end") return;
  form->emplace_back("MachineDetection", wanted == "enable" ? "Enable" : "DetectMessageEnd");
  if (const std::string url = Text(payload, "amd_url"); !url.empty()) {
    form->emplace_back("AsyncAmd", "true");
    form->emplace_back("AsyncAmdStatusCallback", url);
  }
}

void AddCallOptions(const core::Json& payload, core::FormFields* form) {
  if (const std::string url = Text(payload, "status_url"); !url.empty()) {
    form->emplace_back("StatusCallback", url);
    for (const char* event : {"initiated", "ringing", "answered", "completed"}) {
      form->emplace_back("StatusCallbackEvent", event);
    }
  }
  if (const auto timeout = core::FindInt(payload, "timeout_s")) {
    const auto seconds = std::clamp<std::int64_t>(*timeout, 1, kMaxRingSeconds);
    form->emplace_back("Timeout", std::to_string(seconds));
  }
  AddMachineDetection(payload, form);
  if (core::FindBool(payload, "record").value_or(false)) {
    form->emplace_back("Record", "true");
    if (const std::string url = Text(payload, "recording_url"); !url.empty()) {
      form->emplace_back("RecordingStatusCallback", url);
    }
  }
}

Built BuildCall(const core::Json& payload, const std::string& account_url,
                const Credentials& credentials) {
  const Parties parties = ReadParties(payload);
  if (parties.to.empty()) return BadPayload("the call names no number to dial");
  if (parties.from.empty()) return BadPayload("the call names no number to dial from");
  core::FormFields form{{"To", parties.to}, {"From", parties.from}};
  const core::JsonValue* say = core::Find(payload, "say");
  if (const std::string url = Text(payload, "answer_url"); !url.empty()) {
    form.emplace_back("Url", url);
  } else if (const std::string twiml = Text(payload, "twiml"); !twiml.empty()) {
    form.emplace_back("Twiml", twiml);
  } else if (say != nullptr && !Text(*say, "text").empty()) {
    form.emplace_back("Twiml", SayTwiml(Text(*say, "text"), Text(*say, "language")));
  } else {
    return BadPayload("the call has neither answer_url nor anything to say");
  }
  AddCallOptions(payload, &form);
  HttpRequest request = Post(account_url + "/Calls.json", credentials, form);
  request.fresh_connection = true;
  return request;
}

// The address of the call that a job is about.
std::string CallUrl(const core::Json& payload, const std::string& account_url) {
  const std::string sid = Text(payload, "provider_call_id");
  return sid.empty() ? "" : account_url + "/Calls/" + core::UrlEncode(sid) + ".json";
}

Built BuildUpdate(const core::Json& payload, const std::string& call_url,
                  const Credentials& credentials) {
  const std::string action = Text(payload, "action");
  const std::string url = Text(payload, "url");
  const std::string audio = Text(payload, "audio_url");
  core::FormFields form;
  if (action == "hangup") {
    form.emplace_back("Status", "completed");
  } else if (action == "cancel") {
    form.emplace_back("Status", "canceled");
  } else if ((action == "redirect" || action == "transfer") && !url.empty()) {
    form.emplace_back("Url", url);
  } else if (action == "play" && !audio.empty()) {
    form.emplace_back("Twiml", PlayTwiml(audio));
  } else {
    return BadPayload("a call cannot be changed by action \"" + action + "\"");
  }
  return Post(call_url, credentials, form);
}

Built BuildMessage(const core::Json& payload, const std::string& account_url,
                   const Credentials& credentials) {
  const Parties parties = ReadParties(payload);
  if (parties.to.empty()) return BadPayload("the message names no recipient");
  if (parties.from.empty()) return BadPayload("the message names no sender");
  const bool service = parties.from.starts_with("MG");
  core::FormFields form{{"To", parties.to},
                        {service ? "MessagingServiceSid" : "From", parties.from}};
  if (std::string body = Text(payload, "body"); !body.empty()) {
    form.emplace_back("Body", std::move(body));
  }
  if (const core::JsonValue* media = core::Find(payload, "media");
      media != nullptr && media->IsArray()) {
    for (const core::JsonValue& url : media->GetArray()) {
      form.emplace_back("MediaUrl", core::AsString(url));
    }
  }
  if (std::string url = Text(payload, "status_url"); !url.empty()) {
    form.emplace_back("StatusCallback", std::move(url));
  }
  return Post(account_url + "/Messages.json", credentials, form);
}

Result Created(const core::Json& body, Result doubt) {
  const std::string sid = Text(body, "sid");
  if (sid.empty()) return doubt;
  core::JsonWriter response;
  response.BeginObject().Key("status").String(Text(body, "status")).EndObject();
  return Taken(sid, response.Take());
}

// A code decides over the bare status, except that after a 5xx it is no proof that nothing was
// done; only 503 with a code says "not processed".
void ApplyCode(CodeClass code_class, int status, Result* result) {
  const bool doubtful = status >= 500 && status != 503;
  switch (code_class) {
    case CodeClass::kSuppressBadNumber:
    case CodeClass::kSuppressOptedOut:
      result->outcome = Outcome::kSuppress;
      break;
    case CodeClass::kPermanent:
      result->outcome = Outcome::kPermanent;
      break;
    case CodeClass::kAccount:
      result->outcome = Outcome::kPermanent;
      result->account_fault = true;
      break;
    case CodeClass::kRetry:
      if (!doubtful) result->outcome = Outcome::kRetry;
      break;
    case CodeClass::kRetryTomorrow:
      result->outcome = Outcome::kRetry;
      result->retry_after = kTomorrow;
      break;
  }
}

// Whether nothing is left to do once the call is over: it needs no hanging up, and a caller who has
// hung up while waiting needs no agent.
bool EndsWithCall(const Job& job) {
  if (job.kind != "call.update") return false;
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  const std::string action = payload ? Text(*payload, "action") : "";
  return action == "hangup" || action == "transfer";
}

Result Refused(const Job& job, const core::Json& body, int status, Result result) {
  const std::optional<std::int64_t> code = core::FindInt(body, "code");
  if (!code) return result;
  if (*code == kCallNotInProgress && EndsWithCall(job)) return Taken("");
  result.code = std::to_string(*code);
  if (std::string text = Text(body, "message"); !text.empty()) result.error = std::move(text);
  if (const auto code_class = ClassOf(*code)) ApplyCode(*code_class, status, &result);
  return result;
}

}  // namespace

Capabilities Twilio::capabilities() const { return {kKinds}; }

Built Twilio::BuildRequest(const Job& job, const Account& account, Instant) const {
  const auto read = ReadCredentials(account);
  if (const Result* bad = std::get_if<Result>(&read)) return *bad;
  const Credentials& credentials = std::get<Credentials>(read);
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  if (!payload) return BadPayload("the payload is not JSON");
  const std::string account_url = AccountUrl(account, credentials);
  if (job.kind == "call") return BuildCall(*payload, account_url, credentials);
  if (job.kind == "call.update" || job.kind == "call.status") {
    const std::string call_url = CallUrl(*payload, account_url);
    if (call_url.empty()) return BadPayload("the call has no provider id");
    if (job.kind == "call.status") return Request("GET", call_url, credentials);
    return BuildUpdate(*payload, call_url, credentials);
  }
  if (job.kind == "message") return BuildMessage(*payload, account_url, credentials);
  return BadPayload("twilio does not take jobs of kind " + job.kind);
}

Result Twilio::Interpret(const Job& job, const Account& account, const HttpResponse& response,
                         Instant now) const {
  const bool asking = job.kind == "call.status";
  Result result = DefaultOutcome(asking ? Effect::kRead : Effect::kWrite, response, now);
  if (response.transport == Transport::kAnswered) {
    if (const std::optional<core::Json> body = core::TryParseJson(response.body)) {
      if (response.status / 100 != 2) {
        result = Refused(job, *body, response.status, std::move(result));
      } else {
        result = asking ? Reported(*body, std::move(result)) : Created(*body, std::move(result));
      }
    }
  }
  return Finish(std::move(result), account, BasicUser(account));
}

}  // namespace switchboard::providers::twilio
