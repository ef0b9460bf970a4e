#include "workers/core/webhook_signature.hpp"

#include <algorithm>
#include <cctype>

#include "workers/core/crypto.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/standard_webhooks.hpp"
#include "workers/core/webhook_request.hpp"

namespace switchboard::core {

namespace {

// A path is guessed and logged more easily than a header: short secrets do not count there.
constexpr std::size_t kLeastPathSecret = 16;

bool SameIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

bool BasicCredentialsOk(std::string_view secret, std::string_view authorization) {
  constexpr std::string_view kScheme = "basic ";
  if (!SameIgnoringCase(authorization.substr(0, kScheme.size()), kScheme)) return false;
  const auto pair = Base64Decode(authorization.substr(kScheme.size()));
  if (!pair) return false;
  const std::size_t colon = std::min(pair->find(':'), pair->size());
  const std::string_view password =
      std::string_view(*pair).substr(std::min(colon + 1, pair->size()));
  const bool whole = ConstantTimeEqual(*pair, secret);
  const bool password_alone = colon < pair->size() && ConstantTimeEqual(password, secret);
  return whole || password_alone;
}

bool BearerOk(std::string_view secret, std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  return SameIgnoringCase(authorization.substr(0, kScheme.size()), kScheme) &&
         ConstantTimeEqual(authorization.substr(kScheme.size()), secret);
}

bool QueryTokenOk(std::string_view secret, std::string_view url) {
  bool ok = false;
  for (const auto& [name, value] : ParseForm(QueryOf(url))) {
    if (name == "token") ok |= ConstantTimeEqual(value, secret);
  }
  return ok;
}

bool PathSegmentOk(std::string_view secret, std::string_view url) {
  if (secret.size() < kLeastPathSecret) return false;
  std::string_view path = url.substr(0, url.find_first_of("?#"));
  bool ok = false;
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(segment.size() + 1, path.size()));
    ok |= ConstantTimeEqual(UrlDecode(segment, false), secret);
  }
  return ok;
}

bool StandardSignatureOk(std::string_view secret, const WebhookRequest& request) {
  return StandardWebhookOk(secret, request.Header("webhook-id"),
                           request.Header("webhook-timestamp"), request.Header("webhook-signature"),
                           request.body, request.now);
}

// Meta signs what it posts; when the address is set up it asks for the token by GET.
bool WhatsappRequestOk(std::string_view secret, const WebhookRequest& request) {
  return WhatsappSignatureOk(secret, request) || WhatsappVerificationOk(secret, request);
}

using Check = bool (*)(std::string_view secret, const WebhookRequest& request);

Check FindCheck(std::string_view provider) {
  if (provider == "twilio") return TwilioSignatureOk;
  if (provider == "vonage") return VonageSignatureOk;
  if (provider == "whatsapp") return WhatsappRequestOk;
  if (provider == "webhook" || provider == "openai") return StandardSignatureOk;
  for (const std::string_view unsigned_one : {"voipstudio", "mtn", "omnidimension", "asterisk"}) {
    if (provider == unsigned_one) return SharedSecretOk;
  }
  throw UnknownProvider(provider);
}

}  // namespace

std::string WebhookRequest::Header(std::string_view name) const {
  std::string joined;
  const auto add = [&joined](std::string_view value) {
    if (!joined.empty()) joined.push_back(' ');
    joined.append(value);
  };
  if (!headers.IsObject()) return joined;
  for (const auto& member : headers.GetObject()) {
    if (!SameIgnoringCase(AsString(member.name), name)) continue;
    if (member.value.IsArray()) {
      for (const JsonValue& item : member.value.GetArray()) add(AsString(item));
    } else {
      add(AsString(member.value));
    }
  }
  return joined;
}

bool WhatsappVerificationOk(std::string_view verify_token, const WebhookRequest& request) {
  bool subscribes = false;
  bool ok = false;
  for (const auto& [name, value] : ParseForm(QueryOf(request.url))) {
    subscribes |= name == "hub.mode" && value == "subscribe";
    ok |= name == "hub.verify_token" && ConstantTimeEqual(value, verify_token);
  }
  return subscribes && ok && request.body.empty();
}

bool WhatsappSignatureOk(std::string_view secret, const WebhookRequest& request) {
  constexpr std::string_view kPrefix = "sha256=";
  const std::string header = request.Header("x-hub-signature-256");
  if (!header.starts_with(kPrefix)) return false;
  const auto signature = HexDecode(std::string_view(header).substr(kPrefix.size()));
  return signature && ConstantTimeEqual(*signature, Hmac(HashKind::kSha256, secret, request.body));
}

bool SharedSecretOk(std::string_view secret, const WebhookRequest& request) {
  const std::string authorization = request.Header("authorization");
  return BasicCredentialsOk(secret, authorization) || BearerOk(secret, authorization) ||
         ConstantTimeEqual(request.Header("x-webhook-token"), secret) ||
         QueryTokenOk(secret, request.url) || PathSegmentOk(secret, request.url);
}

bool WebhookSignatureOk(std::string_view provider, std::string_view secret, std::string_view url,
                        std::string_view headers_json, std::string_view body,
                        std::chrono::sys_seconds now) {
  const Check check = FindCheck(provider);
  const Json headers = ParseJson(headers_json);
  if (!headers.IsObject() && !headers.IsNull()) {
    throw BadArgument("headers must be a JSON object");
  }
  // An empty key would make every signature by an empty key good.
  if (secret.empty()) return false;
  return check(secret, WebhookRequest{url, headers, body, now});
}

}  // namespace switchboard::core
