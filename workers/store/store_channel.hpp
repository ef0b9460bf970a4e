#pragma once
// How requests reach the queue and replies come back: frames over the local socket, or libpq. A
// channel knows nothing of what the texts mean.

#include <optional>
#include <string>
#include <string_view>

#include "workers/core/store_frame.hpp"
#include "workers/engine/clock.hpp"

namespace switchboard::store {

class StoreChannel {
 public:
  // Called from the event loop, never from inside a call of the channel.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnConnected() = 0;
    // Requests not yet answered never will be.
    virtual void OnDisconnected(const std::string& reason) = 0;
    virtual void OnGone(const std::string& reason) = 0;
    // Replies come in the order of the requests.
    virtual void OnReply(std::string_view json) = 0;
    virtual void OnFailure(const std::string& sqlstate, const std::string& message) = 0;
    // What the other end says without being asked: wake, stop, settings.
    virtual void OnPush(core::FrameOp op, std::string_view json) = 0;
  };

  virtual ~StoreChannel() = default;
  virtual void SetListener(Listener* listener) = 0;
  // Whether the other end sends wake-ups.
  virtual bool wakes() const = 0;
  // Only while connected.
  virtual void Request(core::FrameOp op, std::string json) = 0;
  // Does what is due by time: connects, connects again.
  virtual void Work() = 0;
  virtual std::optional<engine::TimePoint> NextDeadline() const = 0;
};

}  // namespace switchboard::store

#include "workers/core/no_server_header.hpp"
