#include "workers/gateway/database_pool.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace switchboard::gateway {
namespace {

constexpr char kStatement[] = "handle_http";
constexpr char kCall[] =
    "SELECT status, headers, body FROM switchboard.handle_http($1, $2, $3, $4, $5)";
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5000};
// The server's own statement_timeout comes first; this one catches a server that went silent.
constexpr std::chrono::milliseconds kSilenceGrace{2000};

struct ConnectionCloser {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ResultClearer {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ConnectionHandle = std::unique_ptr<PGconn, ConnectionCloser>;
using ResultHandle = std::unique_ptr<PGresult, ResultClearer>;

std::string Field(const PGresult* result, int column) {
  return {PQgetvalue(result, 0, column), static_cast<std::size_t>(PQgetlength(result, 0, column))};
}

// Binary int4 as libpq delivers it: network byte order.
int IntegerField(const PGresult* result, int column) {
  if (PQgetlength(result, 0, column) != 4) {
    return 0;
  }
  std::array<unsigned char, 4> bytes;
  std::memcpy(bytes.data(), PQgetvalue(result, 0, column), bytes.size());
  return static_cast<int>(std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                          std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]});
}

DatabaseReply ReplyFromError(const PGresult* result) {
  DatabaseReply reply;
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string_view code = state != nullptr ? state : "";
  reply.error = std::string(code) + " " + PQresultErrorMessage(result);
  if (code.starts_with("22")) {
    reply.kind = DatabaseReply::Kind::kRejected;
  } else if (code.empty() || code.starts_with("08") || code.starts_with("53") ||
             code.starts_with("57") || code == "55P03" || code == "40001" || code == "40P01") {
    reply.kind = DatabaseReply::Kind::kUnavailable;
  } else {
    reply.kind = DatabaseReply::Kind::kFailed;
  }
  return reply;
}

DatabaseReply ReplyFromResult(const PGresult* result) {
  if (result == nullptr) {
    return {};
  }
  if (PQresultStatus(result) != PGRES_TUPLES_OK) {
    return ReplyFromError(result);
  }
  DatabaseReply reply;
  if (PQntuples(result) != 1 || PQgetisnull(result, 0, 0)) {
    reply.kind = DatabaseReply::Kind::kFailed;
    reply.error = "handle_http returned no row";
    return reply;
  }
  reply.kind = DatabaseReply::Kind::kAnswer;
  reply.status = IntegerField(result, 0);
  // Binary jsonb is one version byte and the text.
  const std::string headers = Field(result, 1);
  reply.headers_json = headers.size() > 1 ? headers.substr(1) : "{}";
  reply.body = Field(result, 2);
  return reply;
}

}  // namespace

// One connection: opening -> idle -> busy -> idle …, and from any of them -> pausing -> opening.
class DatabasePool::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(DatabasePool& pool, boost::asio::io_context& io)
      : pool_(&pool), socket_(io), timer_(io) {}

  void Open() {
    const std::string timeout = std::to_string(pool_->options_.statement_timeout.count());
    const std::string session =
        "-c statement_timeout=" + timeout + " -c idle_in_transaction_session_timeout=30000";
    const std::array<const char*, 5> names = {"dbname", "fallback_application_name", "options",
                                              "client_encoding", nullptr};
    const std::array<const char*, 5> values = {pool_->options_.dsn.c_str(), "switchboard-gateway",
                                               session.c_str(), "UTF8", nullptr};
    connection_.reset(PQconnectStartParams(names.data(), values.data(), 1));
    polling_ = PGRES_POLLING_WRITING;
    if (!connection_ || PQstatus(connection_.get()) == CONNECTION_BAD) {
      return Broken("cannot connect");
    }
    state_ = State::kOpening;
    ArmTimer(std::chrono::seconds(10), "connecting took too long");
    AwaitPolling();
  }

  bool idle() const { return state_ == State::kIdle; }

  void Run(DatabaseRequest request, Done done) {
    state_ = State::kBusy;
    done_ = std::move(done);
    request_ = std::move(request);
    const std::string jsonb_query = '\1' + request_.query_json;
    const std::string jsonb_headers = '\1' + request_.headers_json;
    const std::array<const char*, 5> values = {request_.method.data(), request_.path.data(),
                                               jsonb_query.data(), jsonb_headers.data(),
                                               request_.body.data()};
    const std::array<int, 5> lengths = {
        static_cast<int>(request_.method.size()), static_cast<int>(request_.path.size()),
        static_cast<int>(jsonb_query.size()), static_cast<int>(jsonb_headers.size()),
        static_cast<int>(request_.body.size())};
    const std::array<int, 5> formats = {1, 1, 1, 1, 1};
    ArmTimer(pool_->options_.statement_timeout + kSilenceGrace, "the server went silent");
    if (PQsendQueryPrepared(connection_.get(), kStatement, 5, values.data(), lengths.data(),
                            formats.data(), 1) == 0) {
      return Broken("cannot send");
    }
    AwaitResult();
  }

  void Close() {
    pool_ = nullptr;
    timer_.cancel();
    ReleaseSocket();
    connection_.reset();
    state_ = State::kClosed;
  }

 private:
  enum class State { kClosed, kOpening, kPreparing, kIdle, kBusy, kPausing };
  using Descriptor = boost::asio::posix::stream_descriptor;

  // libpq owns the descriptor and may change it between polls: it is borrowed for one wait.
  void Await(Descriptor::wait_type type, void (Connection::*next)()) {
    if (!socket_.is_open() || socket_.native_handle() != PQsocket(connection_.get())) {
      ReleaseSocket();
      boost::system::error_code failed;
      socket_.assign(PQsocket(connection_.get()), failed);
      if (failed) {
        return Broken("cannot watch the socket");
      }
    }
    const auto generation = generation_;
    socket_.async_wait(
        type, [self = shared_from_this(), generation, next](boost::system::error_code error) {
          if (!error && self->pool_ != nullptr && generation == self->generation_) {
            ((*self).*next)();
          }
        });
  }

  void AwaitPolling() {
    Await(polling_ == PGRES_POLLING_WRITING ? Descriptor::wait_write : Descriptor::wait_read,
          &Connection::ContinueOpening);
  }

  void ContinueOpening() {
    polling_ = PQconnectPoll(connection_.get());
    if (polling_ == PGRES_POLLING_FAILED) {
      return Broken("cannot connect");
    }
    if (polling_ != PGRES_POLLING_OK) {
      return AwaitPolling();
    }
    PQsetnonblocking(connection_.get(), 1);
    state_ = State::kPreparing;
    if (PQsendPrepare(connection_.get(), kStatement, kCall, 0, nullptr) == 0) {
      return Broken("cannot prepare");
    }
    AwaitResult();
  }

  // Flushes what is still to be sent and reads until the whole result is there.
  void AwaitResult() {
    const int unsent = PQflush(connection_.get());
    if (unsent < 0) {
      return Broken("cannot send");
    }
    if (unsent > 0) {
      Await(Descriptor::wait_write, &Connection::AwaitResult);
      return;
    }
    Await(Descriptor::wait_read, &Connection::ReadResult);
  }

  void ReadResult() {
    if (PQconsumeInput(connection_.get()) == 0) {
      return Broken("connection lost");
    }
    while (PQisBusy(connection_.get()) == 0) {
      ResultHandle next(PQgetResult(connection_.get()));
      if (!next) {
        return Finished();
      }
      result_ = std::move(next);
    }
    AwaitResult();
  }

  void Finished() {
    timer_.cancel();
    ++generation_;
    const ResultHandle result = std::move(result_);
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
      return Broken("connection lost");
    }
    if (state_ == State::kPreparing) {
      if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
        return Broken(PQresultErrorMessage(result.get()));
      }
      pause_ = kFirstPause;
      state_ = State::kIdle;
      return pool_->Dispatch();
    }
    state_ = State::kIdle;
    const Done done = std::exchange(done_, nullptr);
    done(ReplyFromResult(result.get()));
    if (pool_ != nullptr) {
      pool_->Dispatch();
    }
  }

  void ArmTimer(std::chrono::milliseconds after, const char* why) {
    timer_.expires_after(after);
    const auto generation = generation_;
    timer_.async_wait([self = shared_from_this(), generation, why](boost::system::error_code e) {
      if (!e && self->pool_ != nullptr && generation == self->generation_) {
        self->Broken(why);
      }
    });
  }

  void Broken(const std::string& why) {
    ++generation_;
    DatabaseReply reply;
    reply.error = why;
    if (connection_ && PQerrorMessage(connection_.get())[0] != '\0') {
      reply.error += std::string(": ") + PQerrorMessage(connection_.get());
    }
    while (!reply.error.empty() && reply.error.back() == '\n') {
      reply.error.pop_back();
    }
    pool_->log_("database: " + reply.error);
    result_.reset();
    ReleaseSocket();
    connection_.reset();
    state_ = State::kPausing;
    timer_.expires_after(pause_);
    pause_ = std::min(pause_ * 2, kLongestPause);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code e) {
      if (!e && self->pool_ != nullptr) {
        self->Open();
      }
    });
    if (const Done done = std::exchange(done_, nullptr)) {
      done(std::move(reply));
    }
  }

  void ReleaseSocket() {
    if (socket_.is_open()) {
      socket_.release();
    }
  }

  DatabasePool* pool_;
  ConnectionHandle connection_;
  Descriptor socket_;
  boost::asio::steady_timer timer_;
  PostgresPollingStatusType polling_ = PGRES_POLLING_WRITING;
  State state_ = State::kClosed;
  std::uint64_t generation_ = 0;  // waits started before it changed are void
  std::chrono::milliseconds pause_ = kFirstPause;
  DatabaseRequest request_;
  ResultHandle result_;
  Done done_;
};

DatabasePool::DatabasePool(boost::asio::io_context& io, PoolOptions options, Log log)
    : io_(io), options_(std::move(options)), log_(std::move(log)), expiry_(io) {
  for (std::size_t i = 0; i < options_.connections; ++i) {
    connections_.push_back(std::make_shared<Connection>(*this, io_));
    connections_.back()->Open();
  }
}

DatabasePool::~DatabasePool() {
  for (const auto& connection : connections_) {
    connection->Close();
  }
}

void DatabasePool::Run(DatabaseRequest request, Done done) {
  if (stopped_ || waiting_.size() >= options_.max_waiting) {
    DatabaseReply reply;
    reply.error = stopped_ ? "stopping" : "too many requests are waiting";
    boost::asio::post(io_, [done = std::move(done), reply = std::move(reply)] { done(reply); });
    return;
  }
  waiting_.push_back({std::move(request), std::move(done),
                      std::chrono::steady_clock::now() + options_.wait_timeout});
  boost::asio::post(io_, [this] { Dispatch(); });
}

void DatabasePool::Stop() { stopped_ = true; }

void DatabasePool::Dispatch() {
  for (const auto& connection : connections_) {
    if (waiting_.empty()) {
      return;
    }
    if (connection->idle()) {
      Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      connection->Run(std::move(next.request), std::move(next.done));
    }
  }
  if (!waiting_.empty()) {
    expiry_.expires_at(waiting_.front().deadline);
    expiry_.async_wait([this](boost::system::error_code error) {
      if (!error) {
        ExpireWaiting();
      }
    });
  }
}

void DatabasePool::ExpireWaiting() {
  const auto now = std::chrono::steady_clock::now();
  while (!waiting_.empty() && waiting_.front().deadline <= now) {
    const Done done = std::move(waiting_.front().done);
    waiting_.pop_front();
    DatabaseReply reply;
    reply.error = "no database connection was free in time";
    done(std::move(reply));
  }
  Dispatch();
}

}  // namespace switchboard::gateway
