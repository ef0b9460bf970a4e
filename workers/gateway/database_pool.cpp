#include "workers/gateway/database_pool.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "workers/gateway/async_connection.hpp"

namespace switchboard::gateway {
namespace {

constexpr char kStatement[] = "handle_http";
constexpr char kCall[] =
    "SELECT status, headers, body FROM switchboard.handle_http($1, $2, $3, $4, $5)";
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
    reply.error = code;  // the message may hold the value
  } else if (code.empty() || code.starts_with("08") || code.starts_with("53") ||
             code.starts_with("57") || code == "55P03" || code == "40001" || code == "40P01") {
    reply.kind = DatabaseReply::Kind::kUnavailable;
  } else {
    reply.kind = DatabaseReply::Kind::kFailed;
  }
  return reply;
}

DatabaseReply ReplyFromResult(const PGresult* result) {
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

DatabasePool::DatabasePool(boost::asio::io_context& io, PoolOptions options, Log log)
    : io_(io), options_(std::move(options)), log_(std::move(log)), expiry_(io) {
  AsyncConnection::Options connection;
  connection.dsn = options_.dsn;
  connection.statement_timeout = options_.statement_timeout;
  connection.statements = {{kStatement, kCall}};
  const AsyncConnection::Handlers handlers{
      [this] { Dispatch(); }, [this](const std::string& why) { log_("database: " + why); }};
  for (std::size_t i = 0; i < options_.connections; ++i) {
    connections_.push_back(std::make_shared<AsyncConnection>(io_, connection, handlers));
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

void DatabasePool::RunOn(AsyncConnection& connection, const DatabaseRequest& request, Done done) {
  const std::string jsonb_query = '\1' + request.query_json;
  const std::string jsonb_headers = '\1' + request.headers_json;
  using Parameter = AsyncConnection::Parameter;
  const std::array<Parameter, 5> parameters = {
      Parameter::Binary(request.method), Parameter::Binary(request.path),
      Parameter::Binary(jsonb_query), Parameter::Binary(jsonb_headers),
      Parameter::Binary(request.body)};
  connection.Run(kStatement, parameters, true,
                 [this, done = std::move(done)](const PGresult* result, const std::string& why) {
                   DatabaseReply reply;
                   if (result != nullptr) {
                     reply = ReplyFromResult(result);
                   } else {
                     reply.error = why;
                   }
                   done(std::move(reply));
                   Dispatch();
                 });
}

void DatabasePool::Stop() { stopped_ = true; }

void DatabasePool::Dispatch() {
  for (const auto& connection : connections_) {
    if (waiting_.empty()) {
      return;
    }
    if (connection->idle() && connection->IsAlive()) {
      Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      RunOn(*connection, next.request, std::move(next.done));
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
