#pragma once
// One libcurl multi handle driven by our own event loop: sockets by the reactor, its timer as a
// deadline of the loop's wait (a timer descriptor costs a system call or two per request).

#include <curl/curl.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "workers/engine/clock.hpp"
#include "workers/engine/reactor.hpp"

namespace switchboard::http {

class CurlMulti final : private engine::Reactor::Handler {
 public:
  CurlMulti(engine::Reactor& reactor, const engine::Clock& clock);
  ~CurlMulti() override;
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  void Add(CURL* easy);
  void Remove(CURL* easy);
  // What is due by time.
  void RunTimer();
  // Lets libcurl look at everything, though it asked for nothing.
  void Kick();
  std::optional<engine::TimePoint> timer() const { return timer_; }
  std::size_t active() const { return active_; }

  // The next transfer that ended, already removed; nullptr when there is none.
  CURL* NextDone(CURLcode* code);

  // For CURLOPT_OPENSOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION: sockets made and closed by us
  // may be paused instead of being forgotten between two requests.
  curl_socket_t OpenSocket(const curl_sockaddr& address) noexcept;
  static int CloseSocket(void* self, curl_socket_t socket) noexcept;

 private:
  void OnReady(int fd, bool readable, bool writable) override;
  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* self, void* data) noexcept;
  static int OnTimer(CURLM* multi, long timeout_ms, void* self) noexcept;

  engine::Reactor& reactor_;
  const engine::Clock& clock_;
  CURLM* multi_;
  std::optional<engine::TimePoint> timer_;
  std::size_t active_ = 0;
  std::vector<bool> ours_;  // by descriptor
};

}  // namespace switchboard::http

#include "workers/core/no_server_header.hpp"
