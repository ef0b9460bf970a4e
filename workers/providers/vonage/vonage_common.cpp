#include "workers/providers/vonage/vonage_common.hpp"

#include <utility>

#include "workers/providers/fields.hpp"
#include "workers/providers/outcome.hpp"
#include "workers/providers/vonage/vonage_token.hpp"

namespace switchboard::providers::vonage {
namespace {

constexpr std::string_view kPublicBase = "https://api.nexmo.com";

// A key that came through an environment variable often has its line breaks spelled out.
std::string WithLineBreaks(std::string_view pem) {
  std::string text(pem);
  for (std::size_t at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at)) {
    text.replace(at, 2, "\n");
  }
  return text;
}

}  // namespace

Built Request(std::string_view method, std::string_view rest, const Job& job,
              const Account& account, Instant now, std::string body) {
  const std::optional<core::Json> settings = core::TryParseJson(account.settings);
  const std::string application = settings ? Text(*settings, "application_id") : "";
  if (application.empty()) return BadAccount("the account has no setting application_id");
  const std::string key = WithLineBreaks(Secret(account, "private_key"));
  if (key.empty()) return BadAccount("the account has no secret private_key");
  const std::optional<std::string> token =
      ApplicationToken(application, key, job.id + "/" + std::to_string(job.attempt), now);
  if (!token) return BadAccount("the secret private_key is not an RSA private key in PEM");

  HttpRequest request;
  request.method = method;
  request.url = BaseUrl(account, kPublicBase) + "/v1/calls" + std::string(rest);
  request.headers = {{"Authorization", "Bearer " + *token}, {"Accept", "application/json"}};
  if (!body.empty()) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(body);
  }
  return request;
}

std::string_view OurStatus(std::string_view status) {
  constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"started", "initiated"}, {"ringing", "ringing"},    {"answered", "answered"},
      {"human", "answered"},    {"machine", "answered"},   {"completed", "completed"},
      {"busy", "busy"},         {"cancelled", "canceled"}, {"unanswered", "no-answer"},
      {"timeout", "no-answer"}, {"failed", "failed"},      {"rejected", "failed"}};
  for (const auto& [theirs, ours] : kWords) {
    if (theirs == status) return ours;
  }
  return "";
}

}  // namespace switchboard::providers::vonage
