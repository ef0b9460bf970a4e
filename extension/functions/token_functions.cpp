#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/settings.hpp"
#include "extension/pg/worker_process.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"
#include "workers/core/jwt.hpp"
#include "workers/core/jwt_key_file.hpp"

namespace switchboard {
namespace {

constexpr char kBadCredentials[] = "28000";
constexpr char kNotReady[] = "55000";

std::vector<std::string> NamesOf(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(name.size() + 1, list.size()));
    name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
    name = name.substr(0, name.find_last_not_of(' ') + 1);
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

// What is wrong with the file is for the operator, not for whoever sends a token.
const core::JwtKeys& Keys() {
  static core::JwtKeyFile file;
  try {
    return file.Get(pg::settings::JwtKeys(), pg::settings::SecretsDir());
  } catch (const core::Error& error) {
    pg::Log(pg::LogLevel::kWarning, std::string("tokens cannot be checked: ") + error.what(),
            error.hint());
  }
  throw core::Error(kNotReady, "tokens cannot be checked at present");
}

void CopyClaim(const core::Json& claims, const char* name, core::JsonWriter* out) {
  const core::JsonValue* const value = core::Find(claims, name);
  if (value == nullptr) return;
  if (core::AsString(*value).find('\0') != std::string_view::npos) {
    throw core::Error(kBadCredentials, "the token names nobody who is known here");
  }
  out->Key(name).Value(*value);
}

// Claims that say who asks, and until when: "exp" as whole seconds that a timestamp can hold.
std::string IdentityOf(const core::Json& claims) {
  constexpr double kYear9999 = 253402300799;
  core::JsonWriter out;
  out.BeginObject();
  for (const char* name : {"tenant_id", "sub", "role"}) CopyClaim(claims, name, &out);
  const double expires = core::FindNumber(claims, "exp").value_or(0);
  out.Key("exp").Int(static_cast<std::int64_t>(std::clamp(expires, 0.0, kYear9999)));
  return out.EndObject().Take();
}

}  // namespace

// _token_claims(token text, at timestamptz) -> jsonb
SB_SQL_FUNCTION(sb_token_claims) {
  const std::string token = pg::ArgText(fcinfo, 0);
  if (*pg::settings::JwtKeys() == '\0') {
    throw core::Error(kBadCredentials, "tokens are not accepted here");
  }
  const core::JwtPolicy policy{NamesOf(pg::settings::JwtAudience()), pg::settings::JwtIssuer()};
  const core::JwtVerdict verdict = core::CheckJwt(
      token, Keys(), policy, std::chrono::floor<std::chrono::seconds>(pg::ArgTimestamp(fcinfo, 1)));
  if (verdict.refusal != nullptr) throw core::Error(kBadCredentials, verdict.refusal);
  return pg::ReturnJson(IdentityOf(verdict.claims));
}

}  // namespace switchboard
