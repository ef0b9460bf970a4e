#include "workers/http/epoll_reactor.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "workers/core/errors.hpp"

namespace switchboard::http {
namespace {

[[noreturn]] void Throw(const char* what) {
  throw core::Error(core::sqlstate::kInternal, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

EpollReactor::EpollReactor() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) Throw("cannot make an epoll descriptor");
}

EpollReactor::~EpollReactor() { close(epoll_); }

EpollReactor::Watched& EpollReactor::At(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= watched_.size()) watched_.resize(index + 1);
  return watched_[index];
}

void EpollReactor::Watch(int fd, bool read, bool write, Handler* handler) {
  Watched& watched = At(fd);
  const std::uint32_t events = (read ? EPOLLIN | EPOLLRDHUP : 0u) | (write ? EPOLLOUT : 0u);
  watched.handler = handler;
  if (watched.registered && watched.events == events) return;
  const int operation = watched.registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  watched.registered = true;
  watched.events = events;
  epoll_event event{};
  event.events = events;
  event.data.u64 = (std::uint64_t{watched.generation} << 32) | static_cast<std::uint32_t>(fd);
  if (epoll_ctl(epoll_, operation, fd, &event) != 0) Throw("cannot watch a descriptor");
}

void EpollReactor::Pause(int fd) { At(fd).handler = nullptr; }

void EpollReactor::Forget(int fd) {
  Watched& watched = At(fd);
  watched.handler = nullptr;
  if (watched.registered) Unregister(fd, watched);
}

void EpollReactor::Unregister(int fd, Watched& watched) {
  watched.registered = false;
  ++watched.generation;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

void EpollReactor::Wait(std::optional<std::chrono::microseconds> timeout) {
  std::array<epoll_event, 256> events;
  timespec limit{};
  if (timeout) {
    const auto us = std::max<std::int64_t>(0, timeout->count());
    limit.tv_sec = us / 1000000;
    limit.tv_nsec = us % 1000000 * 1000;
  }
  const int count = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()),
                                 timeout ? &limit : nullptr, nullptr);
  if (count < 0 && errno != EINTR) Throw("cannot wait for descriptors");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const int fd = static_cast<int>(event.data.u64 & 0xffffffff);
    Watched& watched = At(fd);
    if (watched.generation != event.data.u64 >> 32) continue;
    if (watched.handler == nullptr) {
      Unregister(fd, watched);  // paused: it would be reported again and again
      continue;
    }
    const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    watched.handler->OnReady(fd, broken || (event.events & (EPOLLIN | EPOLLRDHUP)) != 0,
                             broken || (event.events & EPOLLOUT) != 0);
  }
}

}  // namespace switchboard::http
