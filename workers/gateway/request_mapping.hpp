#pragma once
// Translates between HTTP messages and the arguments and result of switchboard.handle_http().

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>
#include <string_view>

#include "workers/gateway/client_address.hpp"
#include "workers/gateway/database_pool.hpp"
#include "workers/gateway/request_target.hpp"

namespace switchboard::gateway {

using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;
using HttpResponse = boost::beast::http::response<boost::beast::http::string_body>;

// All values of a header as one list (RFC 9110 section 5.3).
std::string JoinedHeader(const HttpRequest& request, std::string_view name);

// The request as handle_http takes it, whose body moves along. Headers that the gateway answers for
// are its own whatever the client sent under these names: x-request-target is the target exactly as
// received, because webhook signatures cover those bytes; x-peer-address is the client's address,
// x-request-id the request's name, x-forwarded-proto and -host what trusted proxies said, if any.
DatabaseRequest ToDatabaseRequest(HttpRequest& request, RequestTarget target, const Client& client,
                                  std::string_view request_id);

struct HttpAnswer {
  HttpResponse response;
  std::string route;  // pattern of the route that answered; empty when none did
};

// The answer of the database as an HTTP response; anything but kAnswer becomes a problem document
// (RFC 9457) without inner detail: 400, 503 with Retry-After, or 500.
HttpAnswer ToHttpAnswer(DatabaseReply reply);

// A problem document made by the gateway itself.
HttpResponse Problem(unsigned status, std::string_view title, std::string_view detail);

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
