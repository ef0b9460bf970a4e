#include "workers/providers/voipstudio/voipstudio.hpp"

#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"
#include "workers/providers/fields.hpp"
#include "workers/providers/outcome.hpp"
#include "workers/providers/voipstudio/voipstudio_common.hpp"

namespace switchboard::providers::voipstudio {
namespace {

constexpr std::string_view kPublicBase = "https://l7api.com/v1.2/voipstudio";

constexpr KindInfo kKinds[] = {{"call", true, true}, {"call.update"}, {"call.status"}};

// Placing a call takes 5 to 6 s and refusing one for want of a phone about 10 s.
constexpr std::chrono::seconds kCallTimeout{20};
constexpr std::chrono::seconds kRateLimitWait{60};
constexpr std::chrono::seconds kNoPhoneWait{30};

Built BuildCall(const Job& job, const Account& account) {
  const std::optional<CallOrder> order = ReadOrder(job, account);
  if (!order || order->to.empty()) return BadPayload("the call names no number to dial");
  core::JsonWriter body;
  body.BeginObject().Key("to").String(order->to);
  if (!order->agent.empty()) body.Key("from").String(order->agent);
  if (!order->caller_id.empty()) body.Key("caller_id").String(order->caller_id);
  body.EndObject();

  HttpRequest request = Request("POST", Base(account) + "/calls", account);
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = body.Take();
  request.fresh_connection = true;
  request.timeout = kCallTimeout;
  return request;
}

// About a call that is there: end it, or ask how it stands.
Built BuildControl(const Job& job, const Account& account) {
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  if (!payload) return BadPayload("the payload is not JSON");
  const std::string id = Text(*payload, "provider_call_id");
  if (id.empty()) return BadPayload("the call has no provider id");
  const std::string url = Base(account) + "/calls/" + core::UrlEncode(id);
  if (job.kind == "call.status") return Request("GET", url, account);
  const std::string action = Text(*payload, "action");
  if (action != "hangup" && action != "cancel") {
    return BadPayload("voipstudio cannot " + (action.empty() ? "do nothing" : action) + " a call");
  }
  return Request("DELETE", url, account);
}

// The text of an error answer: that of its first field error, else its own.
std::string ErrorText(const core::Json& body) {
  const core::JsonValue* errors = core::Find(body, "errors");
  if (errors != nullptr && errors->IsArray() && !errors->Empty()) {
    std::string text = Text((*errors)[0], "message");
    const std::string field = Text((*errors)[0], "field");
    if (!text.empty()) return field.empty() ? text : field + ": " + text;
  }
  return Text(body, "message");
}

// The cases in which a refusal is not what its status says.
void Adjust(const HttpResponse& response, Result* result) {
  if (response.status == 400 &&
      result->error.find("Maximum per minute call rate") != std::string::npos) {
    result->outcome = Outcome::kRetry;
    result->code = "rate_limit";
    result->retry_after = kRateLimitWait;
  } else if (response.status == 412) {
    result->outcome = Outcome::kRetry;
    result->code = "agent_offline";
    if (!result->retry_after) result->retry_after = kNoPhoneWait;
  }
}

Result Placed(const core::Json& body, Result doubt) {
  const core::JsonValue* data = core::Find(body, "data");
  if (data == nullptr) return doubt;
  const std::string id = Text(*data, "id");
  if (id.empty()) return doubt;
  core::JsonWriter response;
  response.BeginObject().Key("state").String(Text(*data, "state")).EndObject();
  return Taken(id, response.Take());
}

// A live call's state in our words; empty for one that we do not know. The documentation also shows
// numbers, without saying what they mean: then whether it was connected tells enough.
std::string OurStatus(const core::JsonValue& call) {
  const std::string state = Text(call, "state");
  const bool connected = !Text(call, "connected_at").empty();
  if (state == "INITIAL") return "initiated";
  if (state == "RINGING") return "ringing";
  if (state == "HANGUP" || state == "MISSED") return connected ? "completed" : "no-answer";
  if (state == "CONNECTED" || state == "ON_HOLD" || connected) return "answered";
  return "";
}

Result Reported(const core::Json& body, Result unread) {
  const core::JsonValue* data = core::Find(body, "data");
  const std::string status = data == nullptr ? "" : OurStatus(*data);
  if (status.empty()) return unread;
  core::JsonWriter response;
  response.BeginObject().Key("status").String(status);
  if (const std::string seconds = Text(*data, "duration"); !seconds.empty()) {
    response.Key("duration").String(seconds);
  }
  return Taken("", response.EndObject().Take());
}

}  // namespace

std::string Base(const Account& account) { return BaseUrl(account, kPublicBase); }

HttpRequest Request(std::string_view method, std::string url, const Account& account) {
  HttpRequest request;
  request.method = method;
  request.url = std::move(url);
  request.headers = {{"X-Auth-Token", std::string(Secret(account, "api_token"))},
                     {"Accept", "application/json"}};
  return request;
}

std::optional<CallOrder> ReadOrder(const Job& job, const Account& account) {
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  const std::optional<core::Json> settings = core::TryParseJson(account.settings);
  if (!payload || !settings) return std::nullopt;
  CallOrder order;
  order.to = Digits(Text(*payload, "to"));
  order.agent = Text(*payload, "agent");
  if (order.agent.empty()) order.agent = Text(*settings, "agent");
  order.caller_id = Digits(Text(*payload, "from"));
  return order;
}

Capabilities VoipStudio::capabilities() const { return {kKinds}; }

Built VoipStudio::BuildRequest(const Job& job, const Account& account, Instant) const {
  if (Secret(account, "api_token").empty()) {
    return BadAccount("the account has no secret api_token");
  }
  if (job.kind == "call") return BuildCall(job, account);
  if (job.kind == "call.update" || job.kind == "call.status") return BuildControl(job, account);
  return BadPayload("voipstudio does not take jobs of kind " + job.kind);
}

Result VoipStudio::Interpret(const Job& job, const Account& account, const HttpResponse& response,
                             Instant now) const {
  const bool asking = job.kind == "call.status";
  Result result = DefaultOutcome(asking ? Effect::kRead : Effect::kWrite, response, now);
  if (response.transport == Transport::kAnswered) {
    const bool hang_up = job.kind == "call.update";
    if (hang_up && (response.status / 100 == 2 || response.status == 404)) {
      // A call that is no longer live has been hung up already.
      return Taken("");
    }
    const std::optional<core::Json> body = core::TryParseJson(response.body);
    if (body && response.status / 100 == 2) {
      result = asking ? Reported(*body, std::move(result)) : Placed(*body, std::move(result));
    } else if (body) {
      if (std::string text = ErrorText(*body); !text.empty()) result.error = std::move(text);
    }
    Adjust(response, &result);
  }
  return Finish(std::move(result), account);
}

}  // namespace switchboard::providers::voipstudio
