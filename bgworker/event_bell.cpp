#include "bgworker/event_bell.hpp"

#include <algorithm>

#include "extension/pg/worker_slots.hpp"
#include "workers/core/json.hpp"

namespace switchboard::bgworker {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;

// Listeners are told so often at most.
constexpr auto kBatch = 15ms;

}  // namespace

// The signal is taken before looking: what can be read only after the look signals again.
void EventBell::Work(StoreServer& store, Time now) {
  const std::optional<Time> due = NextTime();
  if (!due || now < *due) {
    return;
  }
  not_before_ = now + delay_.Next();  // should it fail
  again_at_ = not_before_;
  pg::TakeFeedSignal();
  known_ = store.AnnounceEvents(known_);
  delay_.Reset();
  Schedule(now);
}

void EventBell::Schedule(Time now) {
  const std::optional<core::Json> reply = core::TryParseJson(known_);
  const auto again_ms = reply ? core::FindInt(*reply, "again_ms") : std::nullopt;
  not_before_ = now + kBatch;
  again_at_.reset();
  if (again_ms) {
    again_at_ = now + std::chrono::milliseconds(*again_ms);
  }
}

std::optional<Time> EventBell::NextTime() const {
  std::optional<Time> next = disabled_ ? std::nullopt : again_at_;
  if (!disabled_ && pg::FeedIsSignalled()) {
    next = next ? std::min(*next, not_before_) : not_before_;
  }
  return next;
}

}  // namespace switchboard::bgworker
