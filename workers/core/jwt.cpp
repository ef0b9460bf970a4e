#include "workers/core/jwt.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "workers/core/encoding.hpp"

namespace switchboard::core {

namespace {

std::optional<Json> ReadPart(std::string_view part) {
  if (part.ends_with('=')) return std::nullopt;
  const auto text = Base64UrlDecode(part);
  auto json = text ? TryParseJson(*text, {kMaxTokenBytes, 16}) : std::nullopt;
  if (!json || !json->IsObject() || HasRepeatedName(*json)) return std::nullopt;
  return json;
}

// Tokens of other kinds (logout, security events, proofs of possession) name their type, so that
// they cannot be taken for one that grants access.
bool IsAccessType(const JsonValue& header) {
  const JsonValue* const type = Find(header, "typ");
  if (type == nullptr) return true;
  std::string name(AsString(*type));
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (name.starts_with("application/")) name.erase(0, 12);
  return name == "jwt" || name == "at+jwt";
}

// "crit" names extensions without which a token must not be understood, and we know none.
bool IsPlain(const JsonValue& header) {
  return Find(header, "crit") == nullptr && Find(header, "b64") == nullptr && IsAccessType(header);
}

// nbf or iat: no such claim, or a time that has come.
bool HasCome(const JsonValue& claims, std::string_view name, double now) {
  const auto time = FindNumber(claims, name);
  return time ? *time <= now : Find(claims, name) == nullptr;
}

bool IsForUs(const JsonValue& claims, const std::vector<std::string>& audience) {
  const JsonValue* const named = Find(claims, "aud");
  if (named == nullptr) return audience.empty();
  const auto ours = [&](const JsonValue& value) {
    return value.IsString() &&
           std::find(audience.begin(), audience.end(), AsString(value)) != audience.end();
  };
  if (!named->IsArray()) return ours(*named);
  return std::any_of(named->Begin(), named->End(), ours);
}

const char* ClaimsRefusal(const JsonValue& claims, const JwtPolicy& policy, double now) {
  const auto leeway = static_cast<double>(policy.leeway.count());
  const auto expires = FindNumber(claims, "exp");
  if (!expires) return "the token does not say when it expires";
  if (*expires <= now - leeway) return "the token has expired";
  if (!HasCome(claims, "nbf", now + leeway) || !HasCome(claims, "iat", now + leeway)) {
    return "the token is not valid yet";
  }
  if (!IsForUs(claims, policy.audience)) return "the token is for another audience";
  if (!policy.issuer.empty() && FindString(claims, "iss") != policy.issuer) {
    return "the token is from another issuer";
  }
  return nullptr;
}

}  // namespace

std::optional<Jws> ParseJws(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (token.size() > kMaxTokenBytes || first == std::string_view::npos || first == last) {
    return std::nullopt;
  }
  auto header = ReadPart(token.substr(0, first));
  auto claims = ReadPart(token.substr(first + 1, last - first - 1));
  const std::string_view last_part = token.substr(last + 1);
  auto signature = Base64UrlDecode(last_part);
  if (!header || !claims || !signature || last_part.ends_with('=')) return std::nullopt;
  return Jws{std::move(*header), std::move(*claims), token.substr(0, last), std::move(*signature)};
}

bool Hs256Fits(const Jws& token, std::string_view secret) {
  return FindString(token.header, "alg") == "HS256" &&
         ConstantTimeEqual(token.signature, Hmac(HashKind::kSha256, secret, token.signed_part));
}

JwtVerdict CheckJwt(std::string_view token, const JwtKeys& keys, const JwtPolicy& policy,
                    std::chrono::sys_seconds now) {
  auto jws = ParseJws(token);
  if (!jws || !IsPlain(jws->header) || !keys.Signed(*jws)) {
    return {"the token is not signed by a key that is known here", {}};
  }
  const auto seconds = static_cast<double>(now.time_since_epoch().count());
  if (const char* const refusal = ClaimsRefusal(jws->claims, policy, seconds)) return {refusal, {}};
  return {nullptr, std::move(jws->claims)};
}

}  // namespace switchboard::core
