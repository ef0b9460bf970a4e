#include "workers/providers/webhook/webhook.hpp"

#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"
#include "workers/core/standard_webhooks.hpp"
#include "workers/providers/fields.hpp"
#include "workers/providers/json_slice.hpp"
#include "workers/providers/outcome.hpp"

namespace switchboard::providers::webhook {
namespace {

constexpr KindInfo kKinds[] = {{"webhook"}, {"call"}};

constexpr std::size_t kLongestCallId = 100;

std::string MessageId(const Job& job) { return "msg_" + job.id; }

std::string Secrets(const Account& account) {
  std::string secrets(Secret(account, "signing_secret"));
  const std::string_view previous = Secret(account, "previous_signing_secret");
  if (!previous.empty()) secrets.append(" ").append(previous);
  return secrets;
}

// The name under which the receiver knows the call: "call_id" of its answer, if it has one.
std::string CallId(const Job& job, const HttpResponse& response) {
  if (job.kind != "call" || response.transport != Transport::kAnswered) return MessageId(job);
  const std::optional<core::Json> body = core::TryParseJson(response.body);
  std::string id = body ? Text(*body, "call_id") : "";
  return id.empty() || id.size() > kLongestCallId ? MessageId(job) : id;
}

}  // namespace

Capabilities Webhook::capabilities() const { return {kKinds}; }

Built Webhook::BuildRequest(const Job& job, const Account& account, Instant now) const {
  if (account.base_url.empty()) return BadAccount("the account has no base_url to post to");
  if (Secret(account, "signing_secret").empty()) {
    return BadAccount("the account has no secret signing_secret");
  }
  HttpRequest request;
  request.url = account.base_url;
  request.body = SliceMember(job.payload, "body").value_or(job.payload);

  const std::string id = MessageId(job);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  std::string signature;
  try {
    signature = core::SignStandardWebhook(Secrets(account), id, seconds, request.body);
  } catch (const core::Error& error) {
    return Finish(BadAccount(error.what()), account);
  }
  request.headers = {{"Content-Type", "application/json"},
                     {"webhook-id", id},
                     {"webhook-timestamp", std::to_string(seconds.time_since_epoch().count())},
                     {"webhook-signature", std::move(signature)}};
  return request;
}

Result Webhook::Interpret(const Job& job, const Account& account, const HttpResponse& response,
                          Instant now) const {
  Result result = DefaultOutcome(Effect::kWrite, response, now);
  const bool answered =
      response.transport == Transport::kAnswered || response.transport == Transport::kTooBig;
  if (!answered) {
    if (result.outcome == Outcome::kUnknown) {
      // Perhaps taken: the queue remembers under which name, in case no attempt brings an answer.
      result.outcome = Outcome::kRetry;
      result.provider_id = MessageId(job);
    }
  } else if (response.status / 100 == 2) {
    // Nothing need be in the body; even one that is too big was sent by a receiver that took it.
    result = Taken(CallId(job, response));
  } else if (response.status == 410) {
    result.account_fault = true;
    result.error = "endpoint is gone (status 410)";
  } else {
    // Every other answer, a redirect included, is a failure to be tried again until the attempts
    // are used up.
    result.outcome = Outcome::kRetry;
  }
  return Finish(std::move(result), account);
}

}  // namespace switchboard::providers::webhook
