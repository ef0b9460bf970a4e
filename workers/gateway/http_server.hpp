#pragma once
// The HTTP/1.1 front: accepts connections on one event loop, reads one request after the other,
// and writes what the database answers. It is made to face the internet behind a proxy that
// terminates TLS: header, body, time, number and memory of connections are bounded.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "workers/gateway/access_log.hpp"
#include "workers/gateway/connection_limits.hpp"
#include "workers/gateway/database_pool.hpp"
#include "workers/gateway/stream_hook.hpp"

namespace switchboard::gateway {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  // 0 picks a free one
  std::vector<AddressRange> trusted_proxies;
  std::size_t max_connections = 1024;
  std::size_t max_per_address = 64;                 // 0: no bound
  std::size_t max_body_memory = 256 * 1024 * 1024;  // of all requests being read or served
  std::size_t max_requests = 10'000;                // of one connection
  std::size_t header_bytes = 16 * 1024;
  std::uint64_t body_bytes = 1024 * 1024;
  std::uint64_t min_rate = 1000;  // bytes a second that a body, or an answer being read, must make
  std::chrono::seconds header_timeout{10};  // first to last byte of a header, and grace for a body
  std::chrono::seconds idle_timeout{60};    // between requests of a kept connection
  std::chrono::seconds write_timeout{30};   // grace for an answer being read
  std::chrono::seconds stop_timeout{10};    // what running requests get when stopping
};

class HttpSession;

// What the server and its sessions share. Outlives the server inside the handlers that the event
// loop still holds.
struct ServerState {
  ServerOptions options;
  DatabasePool* database;
  AccessLog* access_log;
  StreamHook* streams;  // null: none are served
  std::function<void(const std::string&)> log;
  std::shared_ptr<ConnectionLimits> limits;
  std::unordered_set<HttpSession*> sessions;
  std::list<HttpSession*> waiting;  // sessions that wait for their client, the longest first
  std::string date;                 // as in the header Date
  bool stopping = false;
};

class HttpServer {
 public:
  using Log = std::function<void(const std::string&)>;

  // Listens at once; throws boost::system::system_error when the address is taken. Whatever is
  // passed must outlive the server.
  HttpServer(boost::asio::io_context& io, ServerOptions options, DatabasePool& database,
             AccessLog& access_log, StreamHook* streams, Log log);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;

  // Accepts no more, lets running requests finish within stop_timeout, then stops the loop.
  void Stop();

 private:
  void Accept();
  void AcceptLater();
  void Begin(boost::asio::ip::tcp::socket socket);
  void CloseLongestWaiting();
  void Tick();
  void StopWhenEmpty();

  boost::asio::io_context& io_;
  std::shared_ptr<ServerState> state_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer tick_timer_;
  boost::asio::steady_timer accept_timer_;
  std::chrono::steady_clock::time_point stop_by_ = std::chrono::steady_clock::time_point::max();
  std::uint64_t refused_ = 0;  // connections, since that was logged last
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
