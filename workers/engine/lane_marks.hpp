#pragma once
// The memory of the claim, which the queue gave us to echo: for every lane and priority the place
// below which nothing claimable is left. It keeps a claim from walking over the dead versions of
// what was claimed before, which no vacuum can remove while an old snapshot is held.
//
// A look for lanes that are not in it ("discover") is needed at the start, after a wake-up, when a
// job becomes due, and now and then for what no wake-up told of.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "workers/engine/clock.hpp"
#include "workers/engine/job.hpp"

namespace switchboard::engine {

class LaneMarks {
 public:
  static constexpr std::chrono::seconds kDiscoverEvery{5};

  bool DiscoverDue(TimePoint now) const { return wanted_ || now >= next_discover_; }
  // At once, whatever the time.
  void WantDiscover() { wanted_ = true; }
  // Jobs were committed; `since` is the least run_at among them, nothing when that is unknown.
  void OnWake(std::optional<std::string> since);
  // Moves into the claim what it starts from; the reply brings it back by OnClaimed. What wakes us
  // from now on wants another look.
  void Fill(ClaimRequest& claim, TimePoint now);
  void OnClaimed(std::vector<LaneMark> marks) { marks_ = std::move(marks); }
  void Clear();

 private:
  bool wanted_ = true;
  TimePoint next_discover_{};
  std::optional<std::string> since_;
  std::vector<LaneMark> marks_;
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
