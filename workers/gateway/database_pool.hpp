// A bounded pool of non-blocking libpq connections that runs one prepared call,
// switchboard.handle_http(), on the gateway's event loop.
//
// Single-threaded: every method and callback runs on the io_context given. A request waits in a
// bounded queue while all connections are busy; a connection that breaks is opened again with
// growing pauses. Nothing is retried: an answer that was lost is reported as kUnavailable, because
// only the client knows whether repeating is safe.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace switchboard::gateway {

class AsyncConnection;

struct DatabaseRequest {
  std::string method;
  std::string path;          // decoded, without the query
  std::string query_json;    // object of strings, or arrays of strings for repeated names
  std::string headers_json;  // object of strings, names in lower case
  std::string body;          // raw bytes
};

struct DatabaseReply {
  enum class Kind {
    kAnswer,       // handle_http answered
    kRejected,     // the server refused the values themselves (class 22): the client's fault
    kUnavailable,  // no connection, time-out, overload, or the answer was lost
    kFailed,       // anything else: ours
  };
  Kind kind = Kind::kUnavailable;
  int status = 0;
  std::string headers_json;
  std::string body;
  std::string error;  // for the log; never sent to a client
};

struct PoolOptions {
  std::string dsn;
  std::size_t connections = 8;
  std::size_t max_waiting = 512;
  std::chrono::milliseconds wait_timeout{5000};
  std::chrono::milliseconds statement_timeout{15000};
};

class DatabasePool {
 public:
  using Done = std::function<void(DatabaseReply)>;
  using Log = std::function<void(const std::string&)>;

  DatabasePool(boost::asio::io_context& io, PoolOptions options, Log log);
  ~DatabasePool();
  DatabasePool(const DatabasePool&) = delete;
  DatabasePool& operator=(const DatabasePool&) = delete;

  // Runs the request on the first free connection; `done` is called exactly once, never from
  // inside Run.
  void Run(DatabaseRequest request, Done done);

  // Closes idle connections and refuses new requests; running ones finish.
  void Stop();

 private:
  struct Waiting {
    DatabaseRequest request;
    Done done;
    std::chrono::steady_clock::time_point deadline;
  };

  void Dispatch();
  void RunOn(AsyncConnection& connection, const DatabaseRequest& request, Done done);
  void ExpireWaiting();

  boost::asio::io_context& io_;
  PoolOptions options_;
  Log log_;
  std::vector<std::shared_ptr<AsyncConnection>> connections_;
  std::deque<Waiting> waiting_;
  boost::asio::steady_timer expiry_;
  bool stopped_ = false;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
