#include "workers/gateway/event_ring.hpp"

#include <algorithm>
#include <utility>

namespace switchboard::gateway {

bool EventBatch::Add(const FramePointer& frame) {
  if (full() || (!frames.empty() && bytes + frame->sse().size() > kBatchBytes)) {
    return false;
  }
  frames.push_back(frame);
  bytes += frame->sse().size();
  return true;
}

void EventRing::Restart(std::int64_t position) {
  frames_.clear();
  bytes_ = 0;
  begin_ = end_ = position;
}

void EventRing::Append(FramePointer frame) {
  bytes_ += frame->sse().size();
  end_ = frame->seq();
  frames_.push_back(std::move(frame));
  Trim();
}

void EventRing::LimitTo(std::size_t max_bytes) {
  max_bytes_ = max_bytes;
  Trim();
}

void EventRing::Trim() {
  while (bytes_ > max_bytes_ && frames_.size() > 1) {
    bytes_ -= frames_.front()->sse().size();
    begin_ = frames_.front()->seq();
    frames_.pop_front();
  }
}

EventBatch EventRing::After(std::int64_t position, const Filter& filter) const {
  EventBatch batch;
  auto next = std::upper_bound(
      frames_.begin(), frames_.end(), position,
      [](std::int64_t seq, const FramePointer& frame) { return seq < frame->seq(); });
  batch.position = position;
  for (; next != frames_.end(); ++next) {
    if (filter(**next) && !batch.Add(*next)) {
      return batch;
    }
    batch.position = (*next)->seq();
  }
  batch.position = std::max(position, end_);
  return batch;
}

}  // namespace switchboard::gateway
