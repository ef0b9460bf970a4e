// What placing a call, asking about it and looking it up share.
#pragma once

#include <string>

#include "workers/core/json.hpp"
#include "workers/providers/provider.hpp"

namespace switchboard::providers::omnidimension {

inline constexpr std::size_t kPageSize = 100;

// A request with the account's key and no body; `path` follows the base URL.
HttpRequest Request(std::string_view method, const std::string& path, const Account& account);

// Page of the call logs, of one agent unless `agent` is empty.
std::string LogsPath(const std::string& agent, std::size_t page);

// A whole number of the payload, else of the account's settings, as text; empty when neither has
// it.
std::string Id(const core::JsonValue& payload, const Account& account, std::string_view key);

// A member as text; empty for false too, which OmniDimension writes for null.
std::string Told(const core::JsonValue& object, std::string_view key);

// The id of the request that a log entry came of: a number, {"id":…} or false.
std::string RequestId(const core::JsonValue& entry);

}  // namespace switchboard::providers::omnidimension

#include "workers/core/no_server_header.hpp"
