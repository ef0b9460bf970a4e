// Time as the simulation sees it.
#pragma once

#include <chrono>
#include <functional>

namespace switchboard::carrier {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual WallTime Now() const = 0;
  virtual void After(std::chrono::microseconds wall, std::function<void()> run) = 0;
};

}  // namespace switchboard::carrier
