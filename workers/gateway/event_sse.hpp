// A listener by server-sent events (HTML standard, section 9.2).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "workers/gateway/event_client.hpp"

namespace switchboard::gateway {

class SseClient final : public EventClient {
 public:
  SseClient(StreamRequest request, Setup setup);

 private:
  void Open() override;
  void SendGreeting() override;
  void SendBatch() override;
  void SendHeartbeat() override;
  void Close(Ending ending) override;

  std::shared_ptr<SseClient> self();
  void SendText(std::string text);
  void OnWritten(boost::beast::error_code error, std::size_t bytes);
  void WatchForEnd();

  boost::beast::tcp_stream stream_;
  std::string text_;                 // what is written now, unless it is a batch
  std::int64_t told_position_ = -1;  // the last id that they were sent
  std::array<char, 512> ignored_;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
