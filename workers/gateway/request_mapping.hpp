// Translates between HTTP messages and the arguments and result of switchboard.handle_http().
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "workers/gateway/database_pool.hpp"

namespace switchboard::gateway {

using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;
using HttpResponse = boost::beast::http::response<boost::beast::http::string_body>;

// The request as handle_http takes it, or nothing when the target is no path or holds what the
// database cannot store (NUL, invalid UTF-8). The header `x-request-target` is set to the target
// exactly as received, whatever the client sent under that name: webhook signatures cover those
// bytes. `peer` is the client's address, passed as `x-peer-address`.
std::optional<DatabaseRequest> ToDatabaseRequest(const HttpRequest& request, std::string_view peer);

// The answer of the database as an HTTP response; anything but kAnswer becomes a problem document
// (RFC 9457) without inner detail: 400, 503 with Retry-After, or 500.
HttpResponse ToHttpResponse(const DatabaseReply& reply);

// A problem document made by the gateway itself.
HttpResponse Problem(unsigned status, std::string_view title, std::string_view detail);

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
