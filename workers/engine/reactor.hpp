#pragma once
// Readiness of descriptors, the one thing the worker waits for besides time.

namespace switchboard::engine {

class Reactor {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    // Errors and hang-ups are reported as both readable and writable.
    virtual void OnReady(int fd, bool readable, bool writable) = 0;
  };

  virtual ~Reactor() = default;
  // Starts or changes the watch over `fd`. Level triggered.
  virtual void Watch(int fd, bool read, bool write, Handler* handler) = 0;
  // Nobody is interested for now, but `fd` stays open and will probably be watched again: cheaper
  // than Forget and Watch. Must be followed by Watch or Forget before `fd` is closed.
  virtual void Pause(int fd) = 0;
  // Before `fd` is closed. An event already fetched for it is dropped.
  virtual void Forget(int fd) = 0;
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
