#pragma once
// Announces events to those who LISTEN: at the signal of a commit, in batches, one worker of a
// database. Costs nothing while nothing happens.

#include <chrono>
#include <optional>
#include <string>

#include "bgworker/retry_delay.hpp"
#include "bgworker/store_server.hpp"

namespace switchboard::bgworker {

class EventBell {
 public:
  EventBell() : delay_(std::chrono::milliseconds(100), std::chrono::seconds(10)) {}

  // Announces when there may be something and the last time is long enough ago. Throws pg::PgError
  // when that fails; it is tried again later.
  void Work(StoreServer& store, std::chrono::steady_clock::time_point now);

  // When Work has something to do even if no signal comes.
  std::optional<std::chrono::steady_clock::time_point> NextTime() const;

  // For good: the database has older functions than this program.
  void Disable() { disabled_ = true; }
  bool failed_before() const { return delay_.failures() > 1; }

 private:
  void Schedule(std::chrono::steady_clock::time_point now);

  std::string known_ = "null";  // the last reply
  std::chrono::steady_clock::time_point not_before_{};
  std::optional<std::chrono::steady_clock::time_point> again_at_;
  RetryDelay delay_;
  bool disabled_ = false;
};

}  // namespace switchboard::bgworker
