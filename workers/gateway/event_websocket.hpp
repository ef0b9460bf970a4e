// A listener by WebSocket (RFC 6455): a text message for each event.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <cstddef>

#include "workers/gateway/event_client.hpp"

namespace switchboard::gateway {

class WebSocketClient final : public EventClient {
 public:
  WebSocketClient(StreamRequest request, Setup setup);

 private:
  using Stream = boost::beast::websocket::stream<boost::beast::tcp_stream, false>;

  void Open() override;
  void SendGreeting() override;
  void SendBatch() override;
  void SendHeartbeat() override;
  void Close(Ending ending) override;

  std::shared_ptr<WebSocketClient> self();
  void SendNext();
  void Read();
  bool TalksTooMuch();

  Stream socket_;
  boost::beast::flat_buffer ignored_;
  FramePointer greeting_;
  std::size_t next_ = 0;  // frame of the batch
  std::size_t bytes_ = 0;
  int heard_ = 0;  // messages since the clock below
  Clock::time_point heard_since_ = Clock::now();
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
