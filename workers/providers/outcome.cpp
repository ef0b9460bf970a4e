#include "workers/providers/outcome.hpp"

#include "workers/core/encoding.hpp"
#include "workers/core/retry_after.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard::providers {
namespace {

constexpr std::size_t kMaxErrorBytes = 500;
constexpr std::size_t kMaxResponseBytes = 2000;

std::string_view TransportCode(Transport transport) {
  switch (transport) {
    case Transport::kAnswered:
      return "answered";
    case Transport::kNotResolved:
      return "not_resolved";
    case Transport::kRefused:
      return "refused";
    case Transport::kTls:
      return "tls";
    case Transport::kTimeout:
      return "timeout";
    case Transport::kReset:
      return "reset";
    case Transport::kTooBig:
      return "too_big";
    case Transport::kBlocked:
      return "blocked";
    case Transport::kBadRequest:
      return "bad_request";
  }
  return "transport";
}

Result NoAnswer(Effect effect, const HttpResponse& response) {
  Result result;
  result.code = TransportCode(response.transport);
  result.error =
      response.transport_error.empty() ? "no answer: " + result.code : response.transport_error;
  if (response.transport == Transport::kBlocked || response.transport == Transport::kBadRequest) {
    // The address comes from the account, so every job of it would fare the same.
    result.outcome = Outcome::kPermanent;
    result.account_fault = true;
  } else if (effect == Effect::kRead || response.request_bytes == 0) {
    result.outcome = Outcome::kRetry;
  } else {
    // Whatever broke, broke after bytes had left: the provider may have acted on them.
    result.outcome = Outcome::kUnknown;
  }
  return result;
}

Outcome StatusOutcome(Effect effect, int status, bool has_retry_after) {
  const Outcome doubt = effect == Effect::kWrite ? Outcome::kUnknown : Outcome::kRetry;
  if (status >= 200 && status < 300) {
    return effect == Effect::kWrite ? Outcome::kUnknown : Outcome::kPermanent;
  }
  if (status == 408 || status == 425) return doubt;
  if (status == 429) return Outcome::kRetry;
  if (status == 503) return has_retry_after ? Outcome::kRetry : doubt;
  if (status >= 500) return doubt;
  return Outcome::kPermanent;  // 4xx, and redirects, which are never followed
}

void Replace(std::string* text, std::string_view what) {
  for (std::size_t at = text->find(what); at != std::string::npos; at = text->find(what, at)) {
    text->replace(at, what.size(), "***");
    at += 3;
  }
}

void Redact(std::string* text, const Account& account, std::string_view user) {
  if (text->empty()) return;
  for (const auto& [name, secret] : account.secrets) {
    // A secret of a few letters would black out innocent words; real ones are far longer.
    if (secret.size() < 4) continue;
    Replace(text, secret);
    Replace(text, core::UrlEncode(secret));
    if (!user.empty()) Replace(text, core::Base64Encode(std::string(user) + ":" + secret));
  }
}

// One line of valid UTF-8 that fits every log and column.
std::string Line(std::string_view text, std::size_t max_bytes) {
  std::string line;
  while (!text.empty()) {
    const core::Utf8Char character = core::DecodeUtf8(text);
    if (line.size() + character.length > max_bytes) break;
    if (!character.valid || character.code_point < 0x20 || character.code_point == 0x7f) {
      line += character.valid ? ' ' : '?';
    } else {
      line += text.substr(0, character.length);
    }
    text.remove_prefix(character.length);
  }
  return line;
}

}  // namespace

std::optional<std::chrono::milliseconds> RetryAfter(const HttpResponse& response, Instant now) {
  const std::string* value = FindHeader(response.headers, "Retry-After");
  if (value == nullptr) return std::nullopt;
  auto base = std::chrono::floor<std::chrono::seconds>(now);
  if (const std::string* date = FindHeader(response.headers, "Date")) {
    base = core::ParseHttpDate(*date).value_or(base);
  }
  return core::ParseRetryAfter(*value, base);
}

Result DefaultOutcome(Effect effect, const HttpResponse& response, Instant now) {
  if (response.transport != Transport::kAnswered && response.transport != Transport::kTooBig) {
    return NoAnswer(effect, response);
  }
  Result result;
  result.retry_after = RetryAfter(response, now);
  result.outcome = StatusOutcome(effect, response.status, result.retry_after.has_value());
  result.account_fault = response.status == 401 || response.status == 403;
  if (response.transport == Transport::kTooBig) {
    result.code = TransportCode(response.transport);
    result.error = "answer of status " + std::to_string(response.status) + " is too big";
  } else {
    result.code = "http_" + std::to_string(response.status);
    result.error = response.status / 100 == 2 ? "answer cannot be understood"
                                              : "status " + std::to_string(response.status);
  }
  return result;
}

Result Taken(std::string provider_id, std::string response_json) {
  Result result;
  result.outcome = Outcome::kOk;
  result.provider_id = std::move(provider_id);
  result.response_json = std::move(response_json);
  return result;
}

Result BadPayload(std::string error) {
  Result result;
  result.outcome = Outcome::kPermanent;
  result.code = "bad_payload";
  result.error = std::move(error);
  return result;
}

Result BadAccount(std::string error) {
  Result result;
  result.outcome = Outcome::kPermanent;
  result.code = "bad_account";
  result.error = std::move(error);
  result.account_fault = true;
  return result;
}

Result Finish(Result result, const Account& account, std::string_view user) {
  for (std::string* text : {&result.error, &result.code, &result.provider_id}) {
    Redact(text, account, user);
    *text = Line(*text, kMaxErrorBytes);
  }
  Redact(&result.response_json, account, user);
  if (result.response_json.size() > kMaxResponseBytes) result.response_json.clear();
  return result;
}

}  // namespace switchboard::providers
