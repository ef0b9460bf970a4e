#include "test/contract/store_harness.hpp"

#include "test/doubles/memory_queue.hpp"
#include "workers/engine/clock.hpp"

namespace switchboard::testing {
namespace {

class MemoryHarness final : public StoreHarness {
 public:
  MemoryHarness() {
    for (int i = 0; i < 2; ++i) queue_.AddAccount(Account(i), "twilio");
    for (MemoryQueueStore* store : {&main_, &other_}) store->SetListener(&nobody_);
  }

  engine::QueueStore& Main() override { return main_; }
  engine::QueueStore& Other() override { return other_; }
  void KillOther() override { queue_.alive.erase("other"); }
  void Pump() override {
    main_.Deliver();
    other_.Deliver();
  }
  std::string AddJob(const JobSpec& spec) override {
    const std::string id = "job-" + std::to_string(1000 + ++last_);
    MemoryJob& job = queue_.Add(id, Account(spec.account), spec.kind);
    job.run_at += spec.delay;
    job.priority = spec.priority;
    job.claim.max_attempts = spec.max_attempts;
    return id;
  }
  std::string Account(int number) const override { return "account-" + std::to_string(number); }
  std::string State(const std::string& job) override { return queue_.Job(job).state; }
  int Attempt(const std::string& job) override { return queue_.Job(job).claim.job.attempt; }

 private:
  class Nobody final : public engine::QueueStore::Listener {
    void OnConnected() override {}
    void OnDisconnected(const std::string&) override {}
    void OnGone(const std::string&) override {}
    void OnWake(std::optional<std::string_view>) override {}
    void OnStop() override {}
    void OnSettings(const engine::WorkerSettings&) override {}
  };

  engine::SystemClock clock_;
  Nobody nobody_;
  MemoryQueue queue_{clock_};
  MemoryQueueStore main_{queue_, "main"};
  MemoryQueueStore other_{queue_, "other"};
  int last_ = 0;
};

}  // namespace

std::vector<HarnessMaker> HarnessMakers() {
  std::vector<HarnessMaker> makers = SqlHarnessMakers();
  makers.insert(makers.begin(), {"Memory", [] { return std::make_unique<MemoryHarness>(); }});
  return makers;
}

}  // namespace switchboard::testing
