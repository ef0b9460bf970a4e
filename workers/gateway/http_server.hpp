// The HTTP/1.1 front: accepts connections on one event loop, reads one request after the other,
// and writes what the database answers. Header, body and time limits bound every connection.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

#include "workers/gateway/database_pool.hpp"

namespace switchboard::gateway {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  // 0 picks a free one
  std::size_t max_connections = 1024;
  std::size_t header_bytes = 16 * 1024;
  std::uint64_t body_bytes = 1024 * 1024;
  std::chrono::seconds idle_timeout{60};     // between requests of a kept connection
  std::chrono::seconds request_timeout{10};  // first to last byte of one request
  std::chrono::seconds write_timeout{30};
  std::chrono::seconds stop_timeout{10};  // what running requests get when stopping
};

class HttpServer {
 public:
  using Log = std::function<void(const std::string&)>;

  // Listens at once; throws boost::system::system_error when the address is taken.
  HttpServer(boost::asio::io_context& io, ServerOptions options, DatabasePool& database, Log log);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;

  // Accepts no more, lets running requests finish within stop_timeout, then stops the loop.
  void Stop();

 private:
  class Session;
  // Outlives the server inside the handlers that the event loop still holds.
  struct Registry {
    HttpServer* server;
    std::unordered_set<Session*> sessions;
  };

  void Accept();
  void StopWhenEmpty();

  boost::asio::io_context& io_;
  ServerOptions options_;
  DatabasePool& database_;
  Log log_;
  std::shared_ptr<Registry> registry_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer stop_timer_;
  bool stopping_ = false;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
