// Requests the carrier makes itself: status webhooks and TwiML fetches, over kept-alive
// connections.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "test/doubles/carrier/carrier_http.hpp"

namespace switchboard::carrier {

struct Outgoing {
  std::string method = "POST";
  std::string url;
  Headers headers;
  std::string body;
};

struct Reply {
  int status = 0;  // 0: no answer
  std::string body;
  std::string error;
};

using OnReply = std::function<void(const Reply&)>;

// http only. A request whose connection fails is tried once more, as Twilio does. Addresses other
// than loopback are refused unless `allow_remote`.
class HttpClient {
 public:
  HttpClient(boost::asio::io_context& io, bool allow_remote);
  ~HttpClient();
  void Send(Outgoing request, OnReply on_reply);
  std::size_t pending() const;

 private:
  class Pool;
  std::shared_ptr<Pool> pool_;
};

}  // namespace switchboard::carrier
