// What sending and looking up share.
#pragma once

#include <string>
#include <variant>

#include "workers/core/json.hpp"
#include "workers/providers/provider.hpp"

namespace switchboard::providers::twilio {

struct Credentials {
  std::string account_sid;  // whose resources are addressed
  std::string user;         // of Basic authentication: the account, or an API key
  std::string password;
};
std::variant<Credentials, Result> ReadCredentials(const Account& account);

// The user name of Basic authentication, for finding it in texts; empty when there is none.
std::string BasicUser(const Account& account);

// {base}/2010-04-01/Accounts/{sid}
std::string AccountUrl(const Account& account, const Credentials& credentials);

// A request with the account's credentials and no body.
HttpRequest Request(std::string_view method, std::string url, const Credentials& credentials);

// Sender and recipient of a call or message as Twilio writes them, "whatsapp:" included.
struct Parties {
  std::string to;
  std::string from;
};
Parties ReadParties(const core::Json& payload);

}  // namespace switchboard::providers::twilio

#include "workers/core/no_server_header.hpp"
