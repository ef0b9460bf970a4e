#pragma once
// Reactor over epoll.

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "workers/engine/reactor.hpp"

namespace switchboard::http {

class EpollReactor final : public engine::Reactor {
 public:
  EpollReactor();
  ~EpollReactor() override;
  EpollReactor(const EpollReactor&) = delete;
  EpollReactor& operator=(const EpollReactor&) = delete;

  void Watch(int fd, bool read, bool write, Handler* handler) override;
  void Pause(int fd) override;
  void Forget(int fd) override;

  // Waits until something is ready, or for so long (nothing: for ever), and calls the handlers.
  // Returns early when a signal arrives.
  void Wait(std::optional<std::chrono::microseconds> timeout);

 private:
  struct Watched {
    Handler* handler = nullptr;  // none while paused
    bool registered = false;     // with the kernel
    // Tells an event fetched for a descriptor from one for its successor of the same number.
    std::uint32_t generation = 0;
    std::uint32_t events = 0;
  };

  Watched& At(int fd);
  void Unregister(int fd, Watched& watched);

  int epoll_;
  std::vector<Watched> watched_;
};

}  // namespace switchboard::http

#include "workers/core/no_server_header.hpp"
