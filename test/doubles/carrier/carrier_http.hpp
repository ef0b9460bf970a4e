// The HTTP side of the carrier: requests in, answers out, on one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "test/doubles/carrier/carrier_fault.hpp"

namespace boost::asio {
class io_context;
}

namespace switchboard::carrier {

using Headers = std::vector<std::pair<std::string, std::string>>;
// Empty when there is none of that name (any letter case).
std::string_view FindHeader(const Headers& headers, std::string_view name);

struct Request {
  std::string method;
  std::string target;  // path and query as received
  Headers headers;
  std::string body;

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

struct Answer {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  Headers headers;
  std::chrono::milliseconds delay{0};
  Fault fault = Fault::kNone;  // how to spoil the delivery of this answer
  std::int64_t huge_bytes = 0;
};

// Listens and serves until Stop(). `handle` is called once a request and must not block.
class HttpServer {
 public:
  HttpServer(boost::asio::io_context& io, const std::string& address, unsigned short port,
             std::function<Answer(const Request&)> handle);
  ~HttpServer();
  unsigned short port() const;
  void Stop();  // no new connections; running ones end with their next answer

 private:
  class Listener;
  std::shared_ptr<Listener> listener_;
};

}  // namespace switchboard::carrier
