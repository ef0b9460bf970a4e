// The newest events of one tenant, in order and without a gap. Pure: no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "workers/gateway/event_frame.hpp"

namespace switchboard::gateway {

// Bounds of what one write to one listener holds; a single larger event still goes out.
constexpr std::size_t kBatchBytes = 64 * 1024;
constexpr std::size_t kBatchFrames = 256;

// What goes to one listener next, and how far they have come with it.
struct EventBatch {
  std::vector<FramePointer> frames;
  std::size_t bytes = 0;
  std::int64_t position = 0;

  bool full() const { return frames.size() >= kBatchFrames || bytes >= kBatchBytes; }
  // Takes the frame unless the batch would become too large; then it is left for the next one.
  bool Add(const FramePointer& frame);
};

class EventRing {
 public:
  using Filter = std::function<bool(const EventFrame&)>;

  explicit EventRing(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Holds all events after begin() up to end().
  std::int64_t begin() const { return begin_; }
  std::int64_t end() const { return end_; }
  std::size_t bytes() const { return bytes_; }

  // Forgets everything and goes on from a position.
  void Restart(std::int64_t position);

  void Append(FramePointer frame);

  // Oldest events go first; the newest one always stays.
  void LimitTo(std::size_t max_bytes);

  // The events after `position` (not before begin()) that the filter lets through.
  EventBatch After(std::int64_t position, const Filter& filter) const;

 private:
  void Trim();

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  std::deque<FramePointer> frames_;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
