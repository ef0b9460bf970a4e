// Which keys a file holds, and whether one of them signed a token.

#include <algorithm>
#include <utility>

#include "workers/core/encoding.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/jwt.hpp"

namespace switchboard::core {

namespace {

constexpr std::size_t kLeastSecretBytes = 32;  // RFC 7518 3.2: as long as the digest
constexpr std::size_t kLeastRsaBits = 2048;    // RFC 7518 3.3
// Checking a signature takes time with the size of the key, and anybody may ask for it.
constexpr std::size_t kMostRsaBits = 8192;

Error BadKeys(const std::string& message) {
  return NotConfigured(message,
                       "The file of switchboard.jwt_keys holds a JWK set, or one secret of at "
                       "least 32 printable characters without spaces.");
}

bool LooksLikeJson(std::string_view file) {
  const std::size_t start = file.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos &&
         std::string_view("{[\"").find(file[start]) != std::string_view::npos;
}

bool IsWord(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// A member that is absent or says so; of an array, one element.
bool Allows(const JsonValue& jwk, std::string_view name, std::string_view wanted) {
  const JsonValue* const value = Find(jwk, name);
  if (value == nullptr) return true;
  if (!value->IsArray()) return AsString(*value) == wanted;
  return std::any_of(value->Begin(), value->End(),
                     [&](const JsonValue& item) { return AsString(item) == wanted; });
}

std::string Bytes(const JsonValue& jwk, std::string_view name) {
  const auto text = FindString(jwk, name);
  auto bytes = text ? Base64UrlDecode(*text) : std::nullopt;
  if (!bytes) throw BadKeys("a key of the set has no " + Quoted(name) + " in base64url");
  return std::move(*bytes);
}

std::string ReadSecret(const JsonValue& jwk) {
  std::string secret = Bytes(jwk, "k");
  if (secret.size() < kLeastSecretBytes) {
    throw BadKeys("a secret of the set has " + std::to_string(secret.size()) +
                  " bytes, and HS256 needs 32");
  }
  return secret;
}

RsaPublicKey ReadRsa(const JsonValue& jwk) {
  auto key = RsaPublicKey::FromNumbers(Bytes(jwk, "n"), Bytes(jwk, "e"));
  if (!key) throw BadKeys("an RSA key of the set cannot be read");
  if (key->bits() < kLeastRsaBits || key->bits() > kMostRsaBits) {
    throw BadKeys("an RSA key of the set has " + std::to_string(key->bits()) +
                  " bits, and RS256 needs 2048 to 8192");
  }
  return std::move(*key);
}

}  // namespace

std::optional<JwtKeys::Key> JwtKeys::ReadKey(const JsonValue& jwk) {
  const auto type = FindString(jwk, "kty");
  if (!type) throw BadKeys("the file holds JSON that is no JWK set");
  if (!Allows(jwk, "use", "sig") || !Allows(jwk, "key_ops", "verify")) return std::nullopt;
  Key key{std::string(FindString(jwk, "kid").value_or("")), {}, std::nullopt};
  if (type == "oct" && Allows(jwk, "alg", "HS256")) {
    key.secret = ReadSecret(jwk);
  } else if (type == "RSA" && Allows(jwk, "alg", "RS256")) {
    key.rsa = ReadRsa(jwk);
  } else {
    return std::nullopt;
  }
  return key;
}

JwtKeys JwtKeys::Parse(std::string_view file) {
  JwtKeys keys;
  if (!LooksLikeJson(file)) {
    if (file.size() < kLeastSecretBytes || !IsWord(file)) {
      throw BadKeys("the file of keys holds neither a JWK set nor a secret");
    }
    keys.keys_.push_back({{}, std::string(file), std::nullopt});
    return keys;
  }
  const auto json = TryParseJson(file);
  if (!json || HasRepeatedName(*json)) throw BadKeys("the file of keys is not valid JSON");
  const JsonValue* const set = Find(*json, "keys");
  const auto take = [&](const JsonValue& jwk) {
    if (auto key = ReadKey(jwk)) keys.keys_.push_back(std::move(*key));
  };
  if (set != nullptr && set->IsArray()) {
    std::for_each(set->Begin(), set->End(), take);
  } else {
    take(*json);
  }
  if (keys.keys_.empty()) throw BadKeys("the file of keys holds none for HS256 or RS256");
  return keys;
}

bool JwtKeys::Signed(const Jws& token) const {
  const bool by_rsa = FindString(token.header, "alg") == "RS256";
  const JsonValue* const name = Find(token.header, "kid");
  if (name != nullptr && !name->IsString()) return false;
  return std::any_of(keys_.begin(), keys_.end(), [&](const Key& key) {
    if (name != nullptr && !key.id.empty() && AsString(*name) != key.id) return false;
    if (key.rsa) return by_rsa && key.rsa->VerifiesRs256(token.signed_part, token.signature);
    return Hs256Fits(token, key.secret);
  });
}

}  // namespace switchboard::core
