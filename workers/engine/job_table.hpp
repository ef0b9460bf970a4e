#pragma once
// The jobs in this process, by a slot number that is never used twice, so that a late answer cannot
// be taken for another job's.

#include <cstdint>
#include <memory>
#include <vector>

#include "workers/engine/account_table.hpp"
#include "workers/engine/clock.hpp"
#include "workers/engine/job.hpp"

namespace switchboard::engine {

struct ActiveJob {
  enum class State { kWaiting, kToNote, kNoting, kStarted };

  JobSlot slot = 0;
  ClaimedJob claimed;
  AccountState* account = nullptr;
  State state = State::kWaiting;
  TimePoint leased_at{};
  TimePoint started_at{};
  // For a look-up: the request asked last, and how many were asked.
  providers::HttpRequest asked;
  int lookups = 0;
};

class JobTable {
 public:
  ActiveJob& Add(ClaimedJob claimed, AccountState& account, TimePoint now);
  ActiveJob* Find(JobSlot slot);
  void Remove(JobSlot slot);
  std::size_t size() const { return size_; }

  template <class F>
  void ForEach(F&& f) {
    for (Place& place : places_) {
      if (place.job) f(*place.job);
    }
  }

 private:
  struct Place {
    std::uint32_t generation = 0;
    std::unique_ptr<ActiveJob> job;
  };

  std::vector<Place> places_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
