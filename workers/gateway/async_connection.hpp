// One non-blocking libpq connection on an event loop: it opens itself, prepares its statements,
// runs one call at a time, delivers notifications, and opens again with growing pauses when it
// breaks.
//
// Single-threaded: every method and handler runs on the io_context given. No handler is called from
// inside Run. A call is never repeated: when its answer is lost, its `done` says so.
#pragma once

#include <libpq-fe.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace switchboard::gateway {

class AsyncConnection : public std::enable_shared_from_this<AsyncConnection> {
 public:
  struct Statement {
    std::string name;
    std::string sql;
  };
  struct Options {
    std::string dsn;
    std::string application_name = "switchboard-gateway";
    std::chrono::milliseconds statement_timeout{15000};
    std::vector<Statement> statements;
    std::string channel;  // to LISTEN on; empty: none
  };
  struct Handlers {
    std::function<void()> idle;                                // it has just opened
    std::function<void(const std::string& why)> lost;          // it broke, or could not be opened
    std::function<void(std::string_view payload)> notified{};  // on the channel
  };
  struct Parameter {
    const char* data = nullptr;  // null: NULL
    int length = 0;
    bool binary = false;

    // As text; the string must end with a NUL and outlive the call of Run.
    static Parameter Text(const std::string& value) { return {value.c_str(), 0, false}; }
    static Parameter Binary(const std::string& value) {
      return {value.data(), static_cast<int>(value.size()), true};
    }
  };
  // The result is null when there is none, and `why` then says why.
  using Done = std::function<void(const PGresult* result, const std::string& why)>;

  AsyncConnection(boost::asio::io_context& io, Options options, Handlers handlers);

  void Open();
  // No handler is called any more, not even that of a running call.
  void Close();

  bool idle() const { return state_ == State::kIdle; }

  // Whether an idle connection is still there: one that the server has ended meanwhile breaks now
  // instead of costing the next call its answer.
  bool IsAlive();

  // Only while idle; when `done` is called it is idle again, or broken.
  void Run(const char* statement, std::span<const Parameter> parameters, bool binary_result,
           Done done);

 private:
  enum class State { kClosed, kOpening, kPreparing, kIdle, kBusy, kPausing };
  using Descriptor = boost::asio::posix::stream_descriptor;
  struct ConnectionCloser {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct ResultClearer {
    void operator()(PGresult* result) const { PQclear(result); }
  };

  void Await(Descriptor::wait_type type, void (AsyncConnection::*next)());
  void AwaitPolling();
  void ContinueOpening();
  void PrepareNext();
  void AwaitResult();
  void ReadResult();
  void Finished();
  void BecomeReady();
  void WatchWhileIdle();
  void ReadWhileIdle();
  void DeliverNotifications();
  void ArmTimer(std::chrono::milliseconds after, const char* why);
  void BreakSoon(const char* why);
  void Broken(const std::string& why);
  void ReleaseSocket();

  Options options_;
  Handlers handlers_;
  std::unique_ptr<PGconn, ConnectionCloser> connection_;
  Descriptor socket_;
  boost::asio::steady_timer timer_;
  PostgresPollingStatusType polling_ = PGRES_POLLING_WRITING;
  State state_ = State::kClosed;
  std::uint64_t generation_ = 0;  // waits started before it changed are void
  std::size_t prepared_ = 0;
  std::chrono::milliseconds pause_;
  std::unique_ptr<PGresult, ResultClearer> result_;
  Done done_;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
