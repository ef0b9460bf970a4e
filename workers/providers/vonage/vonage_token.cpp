#include "workers/providers/vonage/vonage_token.hpp"

#include <algorithm>

#include "workers/core/crypto.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"
#include "workers/core/uuid.hpp"

namespace switchboard::providers::vonage {
namespace {

std::string TokenId(std::string_view subject, std::int64_t now_us) {
  const std::string digest =
      core::Hash(core::HashKind::kSha256, std::string(subject) + "@" + std::to_string(now_us));
  core::Uuid uuid{};
  std::copy_n(digest.begin(), uuid.size(), uuid.begin());
  uuid[6] = static_cast<unsigned char>((uuid[6] & 0x0f) | 0x40);
  uuid[8] = static_cast<unsigned char>((uuid[8] & 0x3f) | 0x80);
  return core::FormatUuid(uuid);
}

}  // namespace

std::optional<std::string> ApplicationToken(std::string_view application_id,
                                            std::string_view private_key_pem,
                                            std::string_view subject,
                                            std::chrono::sys_time<std::chrono::microseconds> now) {
  const std::int64_t issued =
      std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  core::JsonWriter claims;
  claims.BeginObject().Key("application_id").String(application_id).Key("iat").Int(issued);
  claims.Key("exp").Int(issued + std::chrono::seconds(kTokenLife).count());
  claims.Key("jti").String(TokenId(subject, now.time_since_epoch().count())).EndObject();
  std::string token = core::Base64UrlEncode(R"({"alg":"RS256","typ":"JWT"})") + "." +
                      core::Base64UrlEncode(claims.Take());
  const std::optional<std::string> signature = core::SignRs256(private_key_pem, token);
  if (!signature) return std::nullopt;
  return token + "." + core::Base64UrlEncode(*signature);
}

}  // namespace switchboard::providers::vonage
