// Every way in which a webhook can be signed, with the headers that carry it made from the input:
// what is signed by the secret passes, and what has one bit of the body, the secret or the time
// changed does not. The length of the first line says which bit, the rest is the body.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "workers/core/crypto.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"
#include "workers/core/webhook_signature.hpp"

namespace core = switchboard::core;

namespace {

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds{1767225600}};
constexpr char kTime[] = "1767225600";
constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kUrl = "https://pbx.example/api/webhooks/x/status?account=1";

std::string TakeLine(std::string_view* text) {
  const std::string_view line = text->substr(0, text->find('\n'));
  text->remove_prefix(std::min(line.size() + 1, text->size()));
  return std::string(line);
}

std::string Header(std::string_view name, const std::string& value) {
  return core::JsonWriter().BeginObject().Key(name).String(value).EndObject().Take();
}

bool Passes(const char* provider, std::string_view secret, const std::string& headers,
            std::string_view body, std::chrono::sys_seconds now = kNow) {
  return core::WebhookSignatureOk(provider, secret, kUrl, headers, body, now);
}

std::string VonageHeaders(std::string_view body) {
  core::JsonWriter claims;
  claims.BeginObject().Key("iat").Int(1767225600).Key("payload_hash");
  claims.String(core::HexEncode(core::Hash(core::HashKind::kSha256, body))).EndObject();
  const std::string head = core::Base64UrlEncode(R"({"alg":"HS256","typ":"JWT"})") + "." +
                           core::Base64UrlEncode(claims.Take());
  return Header("Authorization", "Bearer " + head + "." +
                                     core::Base64UrlEncode(core::Hmac(core::HashKind::kSha256,
                                                                      kSecret, head)));
}

std::string StandardHeaders(std::string_view body) {
  const std::string key = *core::Base64Decode(kSecret.substr(6));
  const std::string text = "msg_1." + std::string(kTime) + "." + std::string(body);
  core::JsonWriter headers;
  headers.BeginObject().Key("webhook-id").String("msg_1").Key("webhook-timestamp").String(kTime);
  headers.Key("webhook-signature")
      .String("v1," + core::Base64Encode(core::Hmac(core::HashKind::kSha256, key, text)));
  return headers.EndObject().Take();
}

std::string WhatsappHeaders(std::string_view body) {
  return Header("X-Hub-Signature-256",
                "sha256=" + core::HexEncode(core::Hmac(core::HashKind::kSha256, kSecret, body)));
}

void Require(bool ok) {
  if (!ok) __builtin_trap();
}

void CheckScheme(const char* provider, const std::string& headers, std::string_view body,
                 std::size_t at) {
  Require(Passes(provider, kSecret, headers, body));
  std::string other(body);
  if (other.empty()) {
    other = "x";
  } else {
    other[at % other.size()] = static_cast<char>(other[at % other.size()] ^ (1 << at % 8));
  }
  Require(!Passes(provider, kSecret, headers, other));
  Require(!Passes(provider, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx", headers, body));
  Require(!Passes(provider, kSecret, "{}", body));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view body(reinterpret_cast<const char*>(data), size);
  const std::size_t at = TakeLine(&body).size();
  CheckScheme("vonage", VonageHeaders(body), body, at);
  CheckScheme("webhook", StandardHeaders(body), body, at);
  CheckScheme("whatsapp", WhatsappHeaders(body), body, at);
  const std::chrono::sys_seconds late = kNow + std::chrono::seconds(301);
  Require(!Passes("vonage", kSecret, VonageHeaders(body), body, late));
  Require(!Passes("webhook", kSecret, StandardHeaders(body), body, late));
  return 0;
}
