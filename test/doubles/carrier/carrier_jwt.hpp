// Vonage's two kinds of JWT, written independently of the code under test: checks those that
// applications send (RS256), makes those that sign webhooks (HS256).
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "workers/core/crypto.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"

namespace switchboard::carrier {

inline bool Rs256Fits(const std::string& public_key_pem, std::string_view data,
                      const std::string& signature) {
  const std::unique_ptr<BIO, int (*)(BIO*)> text(
      BIO_new_mem_buf(public_key_pem.data(), static_cast<int>(public_key_pem.size())), BIO_free);
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
      PEM_read_bio_PUBKEY(text.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  const auto bytes = [](std::string_view s) {
    return reinterpret_cast<const unsigned char*>(s.data());
  };
  return key &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(data),
                          data.size()) == 1;
}

// The claims of a well-formed RS256 token; its signature is checked unless there is no key.
inline std::optional<core::Json> TokenClaims(std::string_view token,
                                             const std::string& public_key_pem) {
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  const auto part = [](std::string_view text) {
    const auto json = core::Base64UrlDecode(text);
    return json ? core::TryParseJson(*json) : std::nullopt;
  };
  const auto header = part(token.substr(0, first));
  auto claims = part(token.substr(first + 1, last - first - 1));
  const auto signature = core::Base64UrlDecode(token.substr(last + 1));
  if (!header || core::FindString(*header, "alg") != "RS256" || !claims || !signature) {
    return std::nullopt;
  }
  if (!public_key_pem.empty() && !Rs256Fits(public_key_pem, token.substr(0, last), *signature)) {
    return std::nullopt;
  }
  return claims;
}

// The token that signs a webhook with that body; an empty one (GET) has no hash.
inline std::string WebhookToken(const std::string& secret, const std::string& application,
                                const std::string& id, std::int64_t issued,
                                const std::string& body) {
  core::JsonWriter claims;
  claims.BeginObject().Key("iat").Int(issued).Key("jti").String(id).Key("iss").String("Vonage");
  if (!body.empty()) {
    claims.Key("payload_hash");
    claims.String(core::HexEncode(core::Hash(core::HashKind::kSha256, body)));
  }
  claims.Key("api_key").String("a1b2c3d").Key("application_id").String(application).EndObject();
  const std::string token = core::Base64UrlEncode(R"({"alg":"HS256","typ":"JWT"})") + "." +
                            core::Base64UrlEncode(claims.Take());
  return token + "." + core::Base64UrlEncode(core::Hmac(core::HashKind::kSha256, secret, token));
}

}  // namespace switchboard::carrier
