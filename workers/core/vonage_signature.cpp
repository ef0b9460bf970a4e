#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "workers/core/crypto.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/jwt.hpp"
#include "workers/core/standard_webhooks.hpp"
#include "workers/core/webhook_request.hpp"

namespace switchboard::core {

namespace {

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Only GET requests come without a body, and then the claim may be absent.
bool PayloadHashOk(const Json& claims, std::string_view body) {
  const auto claimed = FindString(claims, "payload_hash");
  if (!claimed) return body.empty();
  return ConstantTimeEqual(Lower(*claimed), HexEncode(Hash(HashKind::kSha256, body)));
}

bool TimesOk(const Json& claims, std::chrono::sys_seconds now) {
  const auto issued = FindInt(claims, "iat");
  const auto expires = FindInt(claims, "exp");
  const bool expired = expires && *expires <= now.time_since_epoch().count();
  return issued && !expired && IsFreshTimestamp(std::to_string(*issued), now);
}

bool JwtOk(std::string_view secret, std::string_view token, const WebhookRequest& request) {
  const auto jws = ParseJws(token);
  return jws && Hs256Fits(*jws, secret) && PayloadHashOk(jws->claims, request.body) &&
         TimesOk(jws->claims, request.now);
}

// "&name=value&name=value…" sorted by name, without sig, & and = in values replaced.
std::string SignedText(FormFields fields) {
  std::sort(fields.begin(), fields.end());
  std::string text;
  for (const auto& [name, value] : fields) {
    if (name == "sig") continue;
    std::string safe = value;
    std::replace_if(
        safe.begin(), safe.end(), [](char c) { return c == '&' || c == '='; }, '_');
    text.append("&").append(name).append("=").append(safe);
  }
  return text;
}

std::string ValueOf(const FormFields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

// The account's setting chooses the method; its result tells which it was by length.
bool DigestOk(std::string_view secret, const std::string& text, std::string_view sig) {
  const auto hmac_ok = [&](HashKind kind) {
    return ConstantTimeEqual(sig, HexEncode(Hmac(kind, secret, text)));
  };
  const std::string hashed = HexEncode(Hash(HashKind::kMd5, text + std::string(secret)));
  bool ok = ConstantTimeEqual(sig, hashed);
  for (const HashKind kind :
       {HashKind::kMd5, HashKind::kSha1, HashKind::kSha256, HashKind::kSha512}) {
    ok |= hmac_ok(kind);
  }
  return ok;
}

bool FieldsOk(std::string_view secret, const FormFields& fields, std::chrono::sys_seconds now) {
  const std::string sig = Lower(ValueOf(fields, "sig"));
  return !sig.empty() && IsFreshTimestamp(ValueOf(fields, "timestamp"), now) &&
         DigestOk(secret, SignedText(fields), sig);
}

FormFields JsonFields(std::string_view body) {
  FormFields fields;
  const auto json = TryParseJson(body);
  if (!json || !json->IsObject()) return fields;
  for (const auto& member : json->GetObject()) {
    const std::string name(AsString(member.name));
    fields.emplace_back(name, FindText(*json, name).value_or(""));
  }
  return fields;
}

// Our own parameters of the callback URL, which Vonage knows nothing about.
FormFields WithoutOurs(FormFields fields) {
  std::erase_if(fields, [](const auto& field) {
    return field.first == "account" || field.first == "call" || field.first == "message";
  });
  return fields;
}

bool SmsSignatureOk(std::string_view secret, const WebhookRequest& request) {
  if (!request.body.empty()) {
    return FieldsOk(secret, ParseForm(request.body), request.now) ||
           FieldsOk(secret, JsonFields(request.body), request.now);
  }
  const FormFields query = ParseForm(QueryOf(request.url));
  return FieldsOk(secret, query, request.now) || FieldsOk(secret, WithoutOurs(query), request.now);
}

}  // namespace

bool VonageSignatureOk(std::string_view secret, const WebhookRequest& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string authorization = request.Header("authorization");
  if (Lower(authorization.substr(0, kScheme.size())) == kScheme) {
    return JwtOk(secret, std::string_view(authorization).substr(kScheme.size()), request);
  }
  return SmsSignatureOk(secret, request);
}

}  // namespace switchboard::core
