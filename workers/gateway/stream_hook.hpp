#pragma once
// Where the HTTP server hands a connection over that is to become a stream of events.

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/gateway/client_address.hpp"
#include "workers/gateway/connection_limits.hpp"
#include "workers/gateway/database_pool.hpp"
#include "workers/gateway/request_mapping.hpp"

namespace switchboard::gateway {

// A request with the connection it came on. Whoever takes it owns both.
struct StreamRequest {
  boost::beast::tcp_stream stream;   // nothing is under way on it and no time-out is set
  boost::beast::flat_buffer unread;  // what the client sent behind the request
  HttpRequest request;               // as it came, for the handshake of WebSocket
  DatabaseRequest call;  // the same as handle_http() takes it: query and headers as JSON
  Client client;
  std::string request_id;
  // To be set in whatever is answered: security headers and X-Request-Id.
  std::vector<std::pair<std::string, std::string>> headers;
  // While it lives, the connection counts against the bounds and delays a polite stop.
  ConnectionSlot slot;
  // Writes the line of the access log; to be called once, when the stream ends: the status that
  // was answered and the bytes of the body.
  std::function<void(unsigned status, std::uint64_t bytes)> log;
};

class StreamHook {
 public:
  virtual ~StreamHook() = default;

  // Whether this request is one for a stream; all others go to handle_http(). `path` is decoded,
  // without the query.
  virtual bool Wants(const HttpRequest& request, std::string_view path) const = 0;

  // Called on the event loop; answers and ends the connection when there can be no stream.
  virtual void Take(StreamRequest request) = 0;

  // The gateway stops: streams end soon, and none is begun.
  virtual void Stop() = 0;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
