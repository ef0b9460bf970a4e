// What making a call and looking it up share.
#pragma once

#include <string>

#include "workers/providers/provider.hpp"

namespace switchboard::providers::voipstudio {

std::string Base(const Account& account);

// A request with the account's credentials and no body.
HttpRequest Request(std::string_view method, std::string url, const Account& account);

// A call as the job asks for it; agent empty when nobody is named.
struct CallOrder {
  std::string to;
  std::string agent;
  std::string caller_id;
};
// Nothing when the payload or the settings are no JSON objects.
std::optional<CallOrder> ReadOrder(const Job& job, const Account& account);

}  // namespace switchboard::providers::voipstudio

#include "workers/core/no_server_header.hpp"
