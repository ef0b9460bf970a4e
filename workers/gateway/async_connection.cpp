#include "workers/gateway/async_connection.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

namespace switchboard::gateway {
namespace {

constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5000};
constexpr std::chrono::seconds kOpeningTime{10};
// The server's own statement_timeout comes first; this one catches a server that went silent.
constexpr std::chrono::milliseconds kSilenceGrace{2000};
constexpr int kMostReads = 8;

}  // namespace

// opening -> preparing -> idle -> busy -> idle …, and from any of them -> pausing -> opening.

AsyncConnection::AsyncConnection(boost::asio::io_context& io, Options options, Handlers handlers)
    : options_(std::move(options)),
      handlers_(std::move(handlers)),
      socket_(io),
      timer_(io),
      pause_(kFirstPause) {}

void AsyncConnection::Open() {
  const std::string session =
      "-c statement_timeout=" + std::to_string(options_.statement_timeout.count()) +
      " -c idle_in_transaction_session_timeout=30000"
      " -c default_transaction_isolation=read\\ committed";  // in which the feed can be followed
  const std::array<const char*, 5> names = {"dbname", "fallback_application_name", "options",
                                            "client_encoding", nullptr};
  const std::array<const char*, 5> values = {
      options_.dsn.c_str(), options_.application_name.c_str(), session.c_str(), "UTF8", nullptr};
  connection_.reset(PQconnectStartParams(names.data(), values.data(), 1));
  polling_ = PGRES_POLLING_WRITING;
  if (!connection_ || PQstatus(connection_.get()) == CONNECTION_BAD) {
    return Broken("cannot connect");
  }
  state_ = State::kOpening;
  ArmTimer(kOpeningTime, "connecting took too long");
  AwaitPolling();
}

void AsyncConnection::Close() {
  ++generation_;
  state_ = State::kClosed;
  handlers_ = {};
  done_ = nullptr;
  timer_.cancel();
  ReleaseSocket();
  connection_.reset();
}

void AsyncConnection::Run(const char* statement, std::span<const Parameter> parameters,
                          bool binary_result, Done done) {
  ++generation_;  // nobody waits for notifications while a call runs: they come with its answer
  state_ = State::kBusy;
  done_ = std::move(done);
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
  for (const Parameter& parameter : parameters) {
    values.push_back(parameter.data);
    lengths.push_back(parameter.length);
    formats.push_back(parameter.binary ? 1 : 0);
  }
  ArmTimer(options_.statement_timeout + kSilenceGrace, "the server went silent");
  if (PQsendQueryPrepared(connection_.get(), statement, static_cast<int>(values.size()),
                          values.data(), lengths.data(), formats.data(),
                          binary_result ? 1 : 0) == 0) {
    return BreakSoon("cannot send");
  }
  AwaitResult();
}

// libpq owns the descriptor and may change it between polls: it is borrowed for one wait.
void AsyncConnection::Await(Descriptor::wait_type type, void (AsyncConnection::*next)()) {
  if (!socket_.is_open() || socket_.native_handle() != PQsocket(connection_.get())) {
    ReleaseSocket();
    boost::system::error_code failed;
    socket_.assign(PQsocket(connection_.get()), failed);
    if (failed) {
      return BreakSoon("cannot watch the socket");
    }
  }
  const auto generation = generation_;
  socket_.async_wait(
      type, [self = shared_from_this(), generation, next](boost::system::error_code error) {
        if (!error && generation == self->generation_) {
          ((*self).*next)();
        }
      });
}

void AsyncConnection::AwaitPolling() {
  Await(polling_ == PGRES_POLLING_WRITING ? Descriptor::wait_write : Descriptor::wait_read,
        &AsyncConnection::ContinueOpening);
}

void AsyncConnection::ContinueOpening() {
  polling_ = PQconnectPoll(connection_.get());
  if (polling_ == PGRES_POLLING_FAILED) {
    return Broken("cannot connect");
  }
  if (polling_ != PGRES_POLLING_OK) {
    return AwaitPolling();
  }
  PQsetnonblocking(connection_.get(), 1);
  state_ = State::kPreparing;
  prepared_ = 0;
  PrepareNext();
}

void AsyncConnection::PrepareNext() {
  const bool all = prepared_ == options_.statements.size();
  if (all && options_.channel.empty()) {
    return BecomeReady();
  }
  ArmTimer(kOpeningTime, "connecting took too long");
  const int sent =
      all ? PQsendQuery(connection_.get(), ("LISTEN " + options_.channel).c_str())
          : PQsendPrepare(connection_.get(), options_.statements[prepared_].name.c_str(),
                          options_.statements[prepared_].sql.c_str(), 0, nullptr);
  if (sent == 0) {
    return BreakSoon("cannot prepare");
  }
  ++prepared_;
  AwaitResult();
}

// Flushes what is still to be sent and reads until the whole result is there.
void AsyncConnection::AwaitResult() {
  const int unsent = PQflush(connection_.get());
  if (unsent < 0) {
    return BreakSoon("cannot send");
  }
  if (unsent > 0) {
    return Await(Descriptor::wait_write, &AsyncConnection::AwaitResult);
  }
  Await(Descriptor::wait_read, &AsyncConnection::ReadResult);
}

void AsyncConnection::ReadResult() {
  if (PQconsumeInput(connection_.get()) == 0) {
    return Broken("connection lost");
  }
  while (PQisBusy(connection_.get()) == 0) {
    std::unique_ptr<PGresult, ResultClearer> next(PQgetResult(connection_.get()));
    if (!next) {
      return Finished();
    }
    result_ = std::move(next);
  }
  AwaitResult();
}

void AsyncConnection::Finished() {
  timer_.cancel();
  ++generation_;
  const auto result = std::move(result_);
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    return Broken("connection lost");
  }
  if (state_ == State::kPreparing) {
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
      return Broken(PQresultErrorMessage(result.get()));
    }
    const std::size_t steps = options_.statements.size() + (options_.channel.empty() ? 0 : 1);
    return prepared_ < steps ? PrepareNext() : BecomeReady();
  }
  state_ = State::kIdle;
  const auto self = shared_from_this();  // `done` may let go of us
  std::exchange(done_, nullptr)(result.get(), "");
  WatchWhileIdle();
}

void AsyncConnection::BecomeReady() {
  timer_.cancel();
  ++generation_;
  pause_ = kFirstPause;
  state_ = State::kIdle;
  const auto self = shared_from_this();
  handlers_.idle();
  WatchWhileIdle();
}

// Notifications that came with the last answer first. Without a channel nothing is watched: that
// would cost two system calls a request, IsAlive costs one.
void AsyncConnection::WatchWhileIdle() {
  if (state_ == State::kIdle && !options_.channel.empty()) {
    DeliverNotifications();
  }
  if (state_ == State::kIdle && !options_.channel.empty()) {
    Await(Descriptor::wait_read, &AsyncConnection::ReadWhileIdle);
  }
}

void AsyncConnection::ReadWhileIdle() {
  if (PQconsumeInput(connection_.get()) == 0) {
    return Broken("connection lost");
  }
  WatchWhileIdle();
}

bool AsyncConnection::IsAlive() {
  pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
  // The server's last words come first, then the end.
  for (int reads = 0; reads < kMostReads && poll(&socket, 1, 0) == 1; ++reads) {
    if (PQconsumeInput(connection_.get()) == 0) {
      Broken("connection lost");
      return false;
    }
  }
  return true;
}

void AsyncConnection::DeliverNotifications() {
  struct Freer {
    void operator()(PGnotify* notify) const { PQfreemem(notify); }
  };
  while (state_ == State::kIdle || state_ == State::kBusy) {
    const std::unique_ptr<PGnotify, Freer> notify(PQnotifies(connection_.get()));
    if (!notify) {
      return;
    }
    handlers_.notified(notify->extra);
  }
}

void AsyncConnection::ArmTimer(std::chrono::milliseconds after, const char* why) {
  timer_.expires_after(after);
  const auto generation = generation_;
  timer_.async_wait([self = shared_from_this(), generation, why](boost::system::error_code e) {
    if (!e && generation == self->generation_) {
      self->Broken(why);
    }
  });
}

// For what may run inside Run: nobody is called back from there.
void AsyncConnection::BreakSoon(const char* why) { ArmTimer(std::chrono::milliseconds(0), why); }

void AsyncConnection::Broken(const std::string& why) {
  ++generation_;
  std::string reason = why;
  if (connection_ && PQerrorMessage(connection_.get())[0] != '\0') {
    reason += std::string(": ") + PQerrorMessage(connection_.get());
  }
  while (!reason.empty() && reason.back() == '\n') {
    reason.pop_back();
  }
  result_.reset();
  ReleaseSocket();
  connection_.reset();
  state_ = State::kPausing;
  const auto generation = generation_;
  timer_.expires_after(pause_);
  pause_ = std::min(pause_ * 2, kLongestPause);
  timer_.async_wait([self = shared_from_this(), generation](boost::system::error_code e) {
    if (!e && generation == self->generation_) {
      self->Open();
    }
  });
  const auto done = std::exchange(done_, nullptr);
  if (handlers_.lost) {
    handlers_.lost(reason);
  }
  if (done) {
    done(nullptr, reason);
  }
}

void AsyncConnection::ReleaseSocket() {
  if (socket_.is_open()) {
    socket_.release();
  }
}

}  // namespace switchboard::gateway
