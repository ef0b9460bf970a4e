#include "workers/store/libpq_channel.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>

#include "workers/core/backoff.hpp"
#include "workers/core/errors.hpp"

namespace switchboard::store {
namespace {

using core::FrameOp;

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};

struct Statement {
  const char* name;
  const char* sql;
};

Statement StatementOf(FrameOp op) {
  switch (op) {
    case FrameOp::kHello:
      return {"hello", "SELECT switchboard._worker_hello($1::json)"};
    case FrameOp::kTurn:
      return {"turn", "SELECT switchboard._worker_turn($1::json)"};
    case FrameOp::kNoteSending:
      return {"note", "SELECT switchboard._worker_note_sending($1::json)"};
    case FrameOp::kRenew:
      return {"renew", "SELECT switchboard._worker_renew($1::json)"};
    case FrameOp::kRelease:
      return {"release", "SELECT switchboard._worker_release($1::json)"};
    case FrameOp::kFree:
      return {"free", "SELECT switchboard._worker_free($1::json)"};
    case FrameOp::kGoodbye:
      return {"goodbye", "SELECT switchboard._worker_goodbye($1::json)"};
    case FrameOp::kAnnounce:
      return {"announce", "SELECT switchboard._announce_events($1::json, true)"};
    default:
      throw core::Error(core::sqlstate::kInternal, "no statement for this request");
  }
}

std::string OneLine(const char* message) {
  std::string text = message != nullptr ? message : "";
  std::ranges::replace(text, '\n', ' ');
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

void OnNotice(void* log, const PGresult* result) {
  const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  static_cast<engine::LogSink*>(log)->Log(engine::LogLevel::kWarning, OneLine(text));
}

}  // namespace

LibpqChannel::LibpqChannel(std::string dsn, engine::Reactor& reactor, const engine::Clock& clock,
                           core::Random& random, engine::LogSink& log)
    : dsn_(std::move(dsn)), reactor_(reactor), clock_(clock), random_(random), log_(log) {}

LibpqChannel::~LibpqChannel() {
  Unwatch();
  PQfinish(connection_);
}

void LibpqChannel::Unwatch() {
  if (watched_ >= 0) reactor_.Forget(watched_);
  watched_ = -1;
}

void LibpqChannel::Connect() {
  // What stands before the connection string can be overridden by it.
  const char* const names[] = {"application_name",
                               "keepalives_idle",
                               "keepalives_interval",
                               "keepalives_count",
                               "tcp_user_timeout",
                               "dbname",
                               nullptr};
  const char* const values[] = {"switchboard-worker", "10",   "5", "3", "20000",
                                dsn_.c_str(),         nullptr};
  connection_ = PQconnectStartParams(names, values, 1);
  state_ = State::kConnecting;
  connect_by_ = clock_.Now() + kConnectTimeout;
  if (connection_ == nullptr || PQstatus(connection_) == CONNECTION_BAD) {
    Lose(connection_ == nullptr ? "out of memory" : OneLine(PQerrorMessage(connection_)));
    return;
  }
  watched_ = PQsocket(connection_);
  reactor_.Watch(watched_, false, true, this);
}

void LibpqChannel::ContinueConnecting() {
  const PostgresPollingStatusType status = PQconnectPoll(connection_);
  if (status == PGRES_POLLING_FAILED) {
    Lose(OneLine(PQerrorMessage(connection_)));
    return;
  }
  // libpq may have gone on to another address, with another socket.
  if (PQsocket(connection_) != watched_) {
    Unwatch();
    watched_ = PQsocket(connection_);
  }
  const bool connected = status == PGRES_POLLING_OK;
  reactor_.Watch(watched_, connected || status == PGRES_POLLING_READING,
                 status == PGRES_POLLING_WRITING, this);
  if (!connected) return;
  PQsetnonblocking(connection_, 1);
  PQsetNoticeReceiver(connection_, OnNotice, &log_);
  state_ = State::kReady;
  failures_ = 0;
  listener_->OnConnected();
}

void LibpqChannel::Lose(const std::string& reason) {
  const bool was_connected = state_ != State::kConnecting;
  Unwatch();
  PQfinish(connection_);
  connection_ = nullptr;
  state_ = State::kIdle;
  broken_ = false;
  waiting_.clear();
  prepared_.clear();
  ++failures_;
  next_try_ = clock_.Now() + core::FullJitter(kFirstPause, kLongestPause, failures_, random_);
  if (was_connected) {
    listener_->OnDisconnected(reason);
  } else {
    log_.Log(engine::LogLevel::kWarning, "cannot connect to the database: " + reason);
  }
}

void LibpqChannel::Request(FrameOp op, std::string json) {
  waiting_.emplace_back(op, std::move(json));
  if (state_ == State::kReady) SendNext();
}

void LibpqChannel::SendNext() {
  if (waiting_.empty()) return;
  const auto& [op, json] = waiting_.front();
  const Statement statement = StatementOf(op);
  reply_.clear();
  failure_.reset();
  int sent = 0;
  if (prepared_.contains(op)) {
    state_ = State::kAsking;
    const char* const values[] = {json.c_str()};
    sent = PQsendQueryPrepared(connection_, statement.name, 1, values, nullptr, nullptr, 0);
  } else {
    state_ = State::kPreparing;
    sent = PQsendPrepare(connection_, statement.name, statement.sql, 1, nullptr);
  }
  if (sent == 0) {
    broken_ = true;
    return;
  }
  Flush();
}

void LibpqChannel::Flush() {
  const int left = PQflush(connection_);
  if (left < 0) {
    broken_ = true;
    return;
  }
  reactor_.Watch(watched_, true, left > 0, this);
}

void LibpqChannel::OnReady(int, bool readable, bool writable) {
  if (state_ == State::kConnecting) {
    ContinueConnecting();
    return;
  }
  if (readable && PQconsumeInput(connection_) == 0) {
    Lose(OneLine(PQerrorMessage(connection_)));
    return;
  }
  if (writable) Flush();
  TakeResults();
}

void LibpqChannel::TakeResults() {
  while (state_ == State::kPreparing || state_ == State::kAsking) {
    if (PQisBusy(connection_)) return;
    const std::unique_ptr<PGresult, ResultDeleter> result(PQgetResult(connection_));
    if (result) {
      TakeResult(result.get());
      continue;
    }
    const bool prepared = state_ == State::kPreparing && !failure_;
    state_ = State::kReady;
    if (prepared) {
      prepared_.insert(waiting_.front().first);
      SendNext();
      continue;
    }
    waiting_.pop_front();
    // The listener may ask more: from now on the connection is free.
    if (failure_) {
      const auto failure = *failure_;
      if (PQstatus(connection_) == CONNECTION_BAD) {
        Lose(failure.second);
        return;
      }
      listener_->OnFailure(failure.first, failure.second);
    } else {
      const std::string reply = std::move(reply_);
      listener_->OnReply(reply);
    }
    if (state_ == State::kReady) SendNext();
  }
}

void LibpqChannel::TakeResult(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_TUPLES_OK && PQntuples(result) == 1) {
    reply_.assign(PQgetvalue(result, 0, 0), static_cast<std::size_t>(PQgetlength(result, 0, 0)));
  } else if (status != PGRES_COMMAND_OK) {
    const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    failure_.emplace(sqlstate != nullptr ? sqlstate : "08006",
                     OneLine(message != nullptr ? message : PQresultErrorMessage(result)));
  }
}

void LibpqChannel::Work() {
  if (broken_) Lose(OneLine(PQerrorMessage(connection_)));
  const engine::TimePoint now = clock_.Now();
  if (state_ == State::kConnecting && now >= connect_by_) Lose("no answer in time");
  if (state_ == State::kIdle && now >= next_try_) Connect();
}

std::optional<engine::TimePoint> LibpqChannel::NextDeadline() const {
  if (broken_) return clock_.Now();
  if (state_ == State::kIdle) return next_try_;
  if (state_ == State::kConnecting) return connect_by_;
  return std::nullopt;
}

}  // namespace switchboard::store
