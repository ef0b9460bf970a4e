#pragma once
// Channel to the background worker that started us: frames over its local socket. When the server
// crashes the socket comes back at the same path within seconds; until then, for half a minute, it
// is tried again and again.

#include <optional>
#include <string>
#include <string_view>

#include "workers/core/store_frame.hpp"
#include "workers/engine/clock.hpp"
#include "workers/engine/log_sink.hpp"
#include "workers/engine/reactor.hpp"
#include "workers/store/store_channel.hpp"

namespace switchboard::store {

class SocketChannel final : public StoreChannel, private engine::Reactor::Handler {
 public:
  static constexpr std::chrono::seconds kGiveUpAfter{30};
  static constexpr std::chrono::milliseconds kTryEvery{100};

  // `path` may be relative: longer absolute paths than 107 bytes are no socket addresses.
  SocketChannel(std::string path, engine::Reactor& reactor, const engine::Clock& clock);
  ~SocketChannel() override;

  void SetListener(Listener* listener) override { listener_ = listener; }
  bool wakes() const override { return true; }
  void Request(core::FrameOp op, std::string json) override;
  void Work() override;
  std::optional<engine::TimePoint> NextDeadline() const override;

  // A log line. False when nobody listens.
  bool SendLog(engine::LogLevel level, std::string_view message);

 private:
  void OnReady(int fd, bool readable, bool writable) override;
  void Connect();
  void Lose(const std::string& reason);
  void Flush();
  void Read();
  void TakeFrames();

  std::string path_;
  engine::Reactor& reactor_;
  const engine::Clock& clock_;
  Listener* listener_ = nullptr;
  int fd_ = -1;
  bool broken_ = false;  // a write failed: told of from Work, not from inside Request
  bool gone_ = false;
  engine::TimePoint next_try_{};
  std::optional<engine::TimePoint> give_up_at_;
  std::string out_;
  std::size_t written_ = 0;
  core::FrameReader in_;
};

}  // namespace switchboard::store

#include "workers/core/no_server_header.hpp"
