#include "workers/engine/job_table.hpp"

#include <utility>

namespace switchboard::engine {
namespace {

std::uint32_t IndexOf(JobSlot slot) { return static_cast<std::uint32_t>(slot); }
std::uint32_t GenerationOf(JobSlot slot) { return static_cast<std::uint32_t>(slot >> 32); }

}  // namespace

ActiveJob& JobTable::Add(ClaimedJob claimed, AccountState& account, TimePoint now) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Place& place = places_[index];
  place.job = std::make_unique<ActiveJob>();
  place.job->slot = (static_cast<JobSlot>(++place.generation) << 32) | index;
  place.job->claimed = std::move(claimed);
  place.job->account = &account;
  place.job->leased_at = now;
  ++size_;
  return *place.job;
}

ActiveJob* JobTable::Find(JobSlot slot) {
  const std::uint32_t index = IndexOf(slot);
  if (index >= places_.size() || places_[index].generation != GenerationOf(slot)) return nullptr;
  return places_[index].job.get();
}

void JobTable::Remove(JobSlot slot) {
  if (Find(slot) == nullptr) return;
  places_[IndexOf(slot)].job.reset();
  free_.push_back(IndexOf(slot));
  --size_;
}

}  // namespace switchboard::engine
