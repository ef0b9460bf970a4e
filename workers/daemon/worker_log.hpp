#pragma once
// The worker's log: frames to the background worker while there is one, else JSON lines on stderr.

#include "workers/engine/log_sink.hpp"
#include "workers/store/socket_channel.hpp"

namespace switchboard::daemon {

class WorkerLog final : public engine::LogSink {
 public:
  explicit WorkerLog(engine::LogLevel least) : least_(least) {}

  // Frames go there from now on; nullptr: none. The channel must outlive its use here.
  void SetChannel(store::SocketChannel* channel) { channel_ = channel; }

  void Log(engine::LogLevel level, std::string_view message) noexcept override;

 private:
  engine::LogLevel least_;
  store::SocketChannel* channel_ = nullptr;
};

}  // namespace switchboard::daemon

#include "workers/core/no_server_header.hpp"
