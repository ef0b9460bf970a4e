#pragma once
// Request targets and the names that requests bring along.

#include <optional>
#include <string>
#include <string_view>

namespace switchboard::gateway {

struct RequestTarget {
  std::string path;        // decoded, without the query; begins with '/'
  std::string query_json;  // object of strings, or arrays of strings for repeated names
  std::string_view exact;  // path and query as received, a part of what was parsed
};

// A target in origin form, or in absolute form as proxies may send it. Nothing for others and for
// what the database cannot store: NUL, invalid UTF-8.
std::optional<RequestTarget> ParseTarget(std::string_view target);

// Whether this may be a request id: 1 to 64 of letters, digits, '.', '_' and '-'.
bool IsRequestId(std::string_view text);

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
