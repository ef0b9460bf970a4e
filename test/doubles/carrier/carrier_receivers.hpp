// Endpoints that only receive: Standard Webhooks (/hooks/…), a sink for benchmarks (/sink/…) and an
// inbox that keeps what it was sent (/inbox/…).
#pragma once

#include <deque>
#include <string>
#include <unordered_map>

#include "test/doubles/carrier/carrier_world.hpp"

namespace switchboard::carrier {

class Receivers {
 public:
  explicit Receivers(World& world) : world_(world) {}

  Answer Hook(const Request& request);
  Answer Sink(const Request& request);
  Answer Inbox(const Request& request);

  std::string HooksJson() const;
  std::string InboxJson() const;
  std::size_t sunk() const { return sunk_; }
  std::size_t hooks() const { return hooks_taken_; }
  // Deliveries beyond the first under the same webhook-id.
  std::size_t HookDuplicates() const { return hooks_taken_ - hook_counts_.size(); }
  std::size_t hooks_refused() const { return hooks_refused_; }
  void Reset();

 private:
  World& world_;
  std::unordered_map<std::string, std::size_t> hook_counts_;  // by webhook-id
  std::size_t hooks_taken_ = 0;
  std::size_t hooks_refused_ = 0;  // bad signature
  std::size_t sunk_ = 0;
  std::deque<Request> inbox_;
};

}  // namespace switchboard::carrier
