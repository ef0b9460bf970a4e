#include "workers/providers/twilio/twilio_common.hpp"

#include "workers/core/encoding.hpp"
#include "workers/providers/fields.hpp"
#include "workers/providers/outcome.hpp"

namespace switchboard::providers::twilio {
namespace {

constexpr std::string_view kPublicBase = "https://api.twilio.com";

std::string AccountSid(const Account& account) {
  const std::optional<core::Json> settings = core::TryParseJson(account.settings);
  std::string sid = settings ? Text(*settings, "account_sid") : "";
  return sid.empty() ? std::string(Secret(account, "account_sid")) : sid;
}

std::string WithPrefix(std::string address) {
  constexpr std::string_view kPrefix = "whatsapp:";
  if (address.empty() || address.starts_with(kPrefix)) return address;
  return std::string(kPrefix) + address;
}

}  // namespace

std::variant<Credentials, Result> ReadCredentials(const Account& account) {
  Credentials credentials;
  credentials.account_sid = AccountSid(account);
  if (credentials.account_sid.empty()) {
    return BadAccount("the account has no setting account_sid");
  }
  credentials.user = Secret(account, "api_key_sid");
  credentials.password = Secret(account, "api_key_secret");
  if (credentials.user.empty()) {
    credentials.user = credentials.account_sid;
    credentials.password = Secret(account, "auth_token");
  }
  if (credentials.password.empty()) return BadAccount("the account has no secret auth_token");
  return credentials;
}

std::string BasicUser(const Account& account) {
  const std::string_view key = Secret(account, "api_key_sid");
  return key.empty() ? AccountSid(account) : std::string(key);
}

std::string AccountUrl(const Account& account, const Credentials& credentials) {
  return BaseUrl(account, kPublicBase) + "/2010-04-01/Accounts/" +
         core::UrlEncode(credentials.account_sid);
}

HttpRequest Request(std::string_view method, std::string url, const Credentials& credentials) {
  HttpRequest request;
  request.method = method;
  request.url = std::move(url);
  request.headers = {{"Authorization",
                      "Basic " + core::Base64Encode(credentials.user + ":" + credentials.password)},
                     {"Accept", "application/json"}};
  return request;
}

Parties ReadParties(const core::Json& payload) {
  Parties parties{Text(payload, "to"), Text(payload, "from")};
  if (Text(payload, "channel") == "whatsapp") {
    parties.to = WithPrefix(std::move(parties.to));
    // A messaging service is named by its id alone.
    if (!parties.from.starts_with("MG")) parties.from = WithPrefix(std::move(parties.from));
  }
  return parties;
}

}  // namespace switchboard::providers::twilio
