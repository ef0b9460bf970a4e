#pragma once
// The engine's only source of time; tests use a clock that stands still until it is told to move.

#include <chrono>

#include "workers/providers/provider.hpp"

namespace switchboard::engine {

using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  // For everything that waits or measures; never jumps.
  virtual TimePoint Now() const = 0;
  // For what is stamped into requests.
  virtual providers::Instant WallNow() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint Now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now());
  }
  providers::Instant WallNow() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
