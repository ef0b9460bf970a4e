#pragma once
// Channel to a database anywhere, over libpq: the same functions, prepared. One statement at a
// time, never blocking. A lost connection is made again, with pauses that grow and are spread at
// random so that the workers of a farm do not all come back at once.

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "workers/core/random.hpp"
#include "workers/engine/clock.hpp"
#include "workers/engine/log_sink.hpp"
#include "workers/engine/reactor.hpp"
#include "workers/store/store_channel.hpp"

struct pg_conn;
struct pg_result;

namespace switchboard::store {

class LibpqChannel final : public StoreChannel, private engine::Reactor::Handler {
 public:
  static constexpr std::chrono::seconds kConnectTimeout{10};
  static constexpr std::chrono::milliseconds kFirstPause{100};
  static constexpr std::chrono::milliseconds kLongestPause{5000};

  LibpqChannel(std::string dsn, engine::Reactor& reactor, const engine::Clock& clock,
               core::Random& random, engine::LogSink& log);
  ~LibpqChannel() override;

  void SetListener(Listener* listener) override { listener_ = listener; }
  bool wakes() const override { return false; }
  void Request(core::FrameOp op, std::string json) override;
  void Work() override;
  std::optional<engine::TimePoint> NextDeadline() const override;

 private:
  enum class State { kIdle, kConnecting, kReady, kPreparing, kAsking };

  void OnReady(int fd, bool readable, bool writable) override;
  void Connect();
  void ContinueConnecting();
  void Lose(const std::string& reason);
  void SendNext();
  void Flush();
  void TakeResults();
  void TakeResult(const pg_result* result);
  void Unwatch();

  std::string dsn_;
  engine::Reactor& reactor_;
  const engine::Clock& clock_;
  core::Random& random_;
  engine::LogSink& log_;
  Listener* listener_ = nullptr;

  State state_ = State::kIdle;
  pg_conn* connection_ = nullptr;
  int watched_ = -1;
  bool broken_ = false;  // a send failed: told of from Work, not from inside Request
  int failures_ = 0;
  engine::TimePoint next_try_{};
  engine::TimePoint connect_by_{};
  std::deque<std::pair<core::FrameOp, std::string>> waiting_;
  std::set<core::FrameOp> prepared_;
  // The outcome of the statement under way, given on when the connection can take the next.
  std::string reply_;
  std::optional<std::pair<std::string, std::string>> failure_;
};

}  // namespace switchboard::store

#include "workers/core/no_server_header.hpp"
