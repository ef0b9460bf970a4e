#pragma once
// Announces events to those who LISTEN, for databases that no background worker serves: looks again
// and again, often while there is something. On a connection of its own, because the session that
// announces holds a lock, and knows what it has announced.

#include <optional>
#include <string>
#include <string_view>

#include "workers/engine/clock.hpp"
#include "workers/engine/log_sink.hpp"
#include "workers/store/store_channel.hpp"

namespace switchboard::daemon {

class FeedBell final : private store::StoreChannel::Listener {
 public:
  static constexpr std::chrono::milliseconds kAfterFailure{5000};

  FeedBell(store::StoreChannel& channel, const engine::Clock& clock, engine::LogSink& log);

  // Connects and asks, when that is due.
  void Work();
  std::optional<engine::TimePoint> NextDeadline() const;

 private:
  void OnConnected() override;
  void OnDisconnected(const std::string& reason) override;
  void OnGone(const std::string&) override {}
  void OnReply(std::string_view json) override;
  void OnFailure(const std::string& sqlstate, const std::string& message) override;
  void OnPush(core::FrameOp, std::string_view) override {}

  store::StoreChannel& channel_;
  const engine::Clock& clock_;
  engine::LogSink& log_;
  std::string known_;                           // the last reply, to be given with the next look
  std::optional<engine::TimePoint> next_look_;  // nothing while not connected, or while looking
  bool failed_ = false;                         // and it was logged
};

}  // namespace switchboard::daemon

#include "workers/core/no_server_header.hpp"
