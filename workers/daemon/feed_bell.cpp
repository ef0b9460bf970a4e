#include "workers/daemon/feed_bell.hpp"

#include <algorithm>

#include "workers/core/json.hpp"

namespace switchboard::daemon {

FeedBell::FeedBell(store::StoreChannel& channel, const engine::Clock& clock, engine::LogSink& log)
    : channel_(channel), clock_(clock), log_(log) {
  channel_.SetListener(this);
}

void FeedBell::Work() {
  channel_.Work();
  if (!next_look_ || clock_.Now() < *next_look_) return;
  next_look_.reset();
  channel_.Request(core::FrameOp::kAnnounce, known_);
}

std::optional<engine::TimePoint> FeedBell::NextDeadline() const {
  const std::optional<engine::TimePoint> channel = channel_.NextDeadline();
  return channel && next_look_ ? std::min(*channel, *next_look_) : channel ? channel : next_look_;
}

// A new session begins anew: the lock went with the one before.
void FeedBell::OnConnected() {
  known_ = "null";
  next_look_ = clock_.Now();
}

// The worker's own connection tells why.
void FeedBell::OnDisconnected(const std::string&) { next_look_.reset(); }

void FeedBell::OnReply(std::string_view json) {
  known_ = json;
  failed_ = false;
  const std::optional<core::Json> reply = core::TryParseJson(json);
  const auto again_ms = reply ? core::FindInt(*reply, "again_ms") : std::nullopt;
  next_look_ = clock_.Now() + (again_ms ? std::chrono::milliseconds(*again_ms) : kAfterFailure);
}

void FeedBell::OnFailure(const std::string&, const std::string& message) {
  if (!failed_) log_.Log(engine::LogLevel::kWarning, "could not announce events: " + message);
  failed_ = true;
  next_look_ = clock_.Now() + kAfterFailure;
}

}  // namespace switchboard::daemon
