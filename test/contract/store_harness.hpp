#pragma once
// What the contract suite needs of a queue: two workers, and a look behind the scenes. One
// implementation for each way to a queue.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "workers/engine/queue_store.hpp"

namespace switchboard::testing {

struct JobSpec {
  std::string kind = "webhook";  // webhook, or call: its repetition does harm
  std::chrono::milliseconds delay{0};
  int priority = 0;
  int max_attempts = 8;
  int account = 0;  // 0 or 1
};

class StoreHarness {
 public:
  virtual ~StoreHarness() = default;
  // The worker the suite is about, and another one. Connected, hello not said.
  virtual engine::QueueStore& Main() = 0;
  virtual engine::QueueStore& Other() = 0;
  // The other one dies without a word.
  virtual void KillOther() = 0;
  // Waits for whatever happens next, for a moment at most.
  virtual void Pump() = 0;

  virtual std::string AddJob(const JobSpec& spec) = 0;  // its id
  virtual std::string Account(int number) const = 0;
  virtual std::string State(const std::string& job) = 0;
  virtual int Attempt(const std::string& job) = 0;
};

struct HarnessMaker {
  std::string name;
  std::function<std::unique_ptr<StoreHarness>()> make;
};
// Those that can run here: in memory always; through libpq and the relay when SB_CONTRACT_DSN names
// a database; through a background worker when we are its child (SB_CONTRACT_SOCKET).
std::vector<HarnessMaker> HarnessMakers();
std::vector<HarnessMaker> SqlHarnessMakers();

}  // namespace switchboard::testing
