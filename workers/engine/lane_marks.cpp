#include "workers/engine/lane_marks.hpp"

namespace switchboard::engine {

void LaneMarks::OnWake(std::optional<std::string> since) {
  wanted_ = true;
  // The texts are the server's timestamps in one format: the lesser text is the earlier time.
  if (since && (!since_ || *since < *since_)) since_ = std::move(since);
}

void LaneMarks::Fill(ClaimRequest& claim, TimePoint now) {
  claim.marks = std::move(marks_);
  marks_.clear();
  claim.discover = DiscoverDue(now);
  if (!claim.discover) return;
  claim.since = std::move(since_);
  since_.reset();
  wanted_ = false;
  next_discover_ = now + kDiscoverEvery;
}

void LaneMarks::Clear() {
  marks_.clear();
  since_.reset();
  wanted_ = true;
}

}  // namespace switchboard::engine
