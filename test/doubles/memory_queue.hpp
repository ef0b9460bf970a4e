#pragma once
// The queue in memory: what the SQL functions promise, small enough to be read at one go. Unit
// tests of the engine work against it, and the contract suite runs against it like against the
// others.

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/engine/clock.hpp"
#include "workers/engine/queue_store.hpp"

namespace switchboard::testing {

struct MemoryJob {
  engine::ClaimedJob claim;
  std::string state = "ready";  // ready, running, in_doubt, done, dead
  bool harmful = false;
  int priority = 0;
  engine::TimePoint run_at{};
  engine::TimePoint locked_until{};
  std::string locked_by;
  std::string last_error;
  std::string last_code;
  std::string provider_ref;
};

// The table, and what all its workers share.
class MemoryQueue {
 public:
  explicit MemoryQueue(const engine::Clock& clock) : clock_(clock) {}

  engine::StoredAccount& AddAccount(const std::string& id,
                                    const std::string& provider = "webhook") {
    engine::StoredAccount& account = accounts_[id];
    account.account.id = id;
    account.account.tenant_id = "tenant";
    account.account.provider = provider;
    account.account.base_url = "https://example.test/" + id;
    return account;
  }

  MemoryJob& Add(const std::string& id, const std::string& account,
                 const std::string& kind = "webhook") {
    MemoryJob& job = jobs_[id];
    job.claim.key = {id, 0};
    job.claim.job.id = id;
    job.claim.job.kind = kind;
    job.claim.job.attempt = 0;
    job.claim.job.payload = R"({"body":{}})";
    job.claim.max_attempts = 8;
    job.claim.lane = account;
    job.claim.tenant_id = "tenant";
    job.claim.account_id = accounts_.contains(account) ? account : "";
    job.harmful = kind == "call";
    job.run_at = clock_.Now();
    return job;
  }

  MemoryJob& Job(const std::string& id) { return jobs_.at(id); }
  int Count(std::string_view state) const {
    return static_cast<int>(std::ranges::count_if(
        jobs_, [state](const auto& entry) { return entry.second.state == state; }));
  }

  engine::TurnReply Turn(const std::string& worker, const engine::TurnRequest& request) {
    engine::TurnReply reply;
    for (const engine::Finished& finished : request.finished) {
      if (!Record(finished)) reply.stale.push_back(finished.key.id);
    }
    if (request.claim) Claim(worker, *request.claim, reply);
    reply.foreign_claims = ForeignClaims(worker);
    return reply;
  }

  engine::SendingReply NoteSending(const std::string& worker,
                                   std::span<const engine::JobKey> keys) {
    engine::SendingReply reply;
    for (const engine::JobKey& key : keys) {
      MemoryJob* job = Held(worker, key);
      if (job != nullptr && refused.contains(key.id)) {
        job->state = "dead";
        job->locked_by.clear();
        job = nullptr;
      }
      if (job != nullptr) job->claim.job.sending_at = clock_.WallNow();
      (job != nullptr ? reply.go : reply.stop).push_back(key.id);
    }
    return reply;
  }

  std::vector<std::string> Renew(const std::string& worker, std::span<const engine::JobKey> keys,
                                 engine::milliseconds lease) {
    std::vector<std::string> lost;
    for (const engine::JobKey& key : keys) {
      MemoryJob* job = Held(worker, key);
      if (job == nullptr) {
        lost.push_back(key.id);
      } else {
        job->locked_until = clock_.Now() + lease;
      }
    }
    return lost;
  }

  void Release(const std::string& worker, std::span<const engine::JobKey> keys) {
    for (const engine::JobKey& key : keys) {
      MemoryJob* job = Held(worker, key);
      if (job == nullptr || (job->claim.job.sending_at && job->state != "in_doubt")) continue;
      if (job->state == "running") {
        job->state = "ready";
        --job->claim.job.attempt;
      }
      job->locked_by.clear();
    }
  }

  // Frees what those workers hold, but for the jobs to keep.
  engine::FreeReply FreeWorkers(const std::set<std::string>& workers,
                                const std::set<std::string>& keep = {}) {
    engine::FreeReply reply;
    for (auto& [id, job] : jobs_) {
      const bool expired = !job.locked_by.empty() && job.locked_until < clock_.Now();
      if (expired || (workers.contains(job.locked_by) && !keep.contains(id))) FreeJob(job, reply);
    }
    return reply;
  }

  engine::FreeReply FreeDead(const std::string& me) {
    std::set<std::string> dead;
    for (const auto& [id, job] : jobs_) {
      if (!job.locked_by.empty() && !alive.contains(job.locked_by)) dead.insert(job.locked_by);
    }
    engine::FreeReply reply = FreeWorkers(dead);
    reply.foreign_claims = ForeignClaims(me);
    return reply;
  }

  engine::WorkerSettings settings;
  std::set<std::string> alive;
  std::set<std::string> refused;  // ids that may not be sent any more

 private:
  MemoryJob* Held(const std::string& worker, const engine::JobKey& key) {
    const auto found = jobs_.find(key.id);
    if (found == jobs_.end() || found->second.claim.key.token != key.token) return nullptr;
    return found->second.locked_by == worker ? &found->second : nullptr;
  }

  bool ForeignClaims(const std::string& worker) const {
    return std::ranges::any_of(jobs_, [&worker](const auto& entry) {
      return !entry.second.locked_by.empty() && entry.second.locked_by != worker;
    });
  }

  void FreeJob(MemoryJob& job, engine::FreeReply& reply) {
    ++reply.freed;
    const bool noted = job.claim.job.sending_at.has_value();
    if (job.state == "running") {
      job.state = noted ? "in_doubt" : "ready";
      reply.in_doubt += noted ? 1 : 0;
      job.run_at = clock_.Now() + std::chrono::seconds(noted ? 5 : 0);
    }
    job.locked_by.clear();
    ++job.claim.key.token;
  }

  static std::string Verdict(const MemoryJob& job, providers::Outcome outcome) {
    const bool used_up = job.claim.job.attempt >= job.claim.max_attempts;
    switch (outcome) {
      case providers::Outcome::kOk:
        return "done";
      case providers::Outcome::kPermanent:
      case providers::Outcome::kSuppress:
        return "dead";
      case providers::Outcome::kAbsent:
        return job.claim.job.kind == "call" || used_up ? "dead" : "ready";
      case providers::Outcome::kUnknown:
        if (job.harmful || job.claim.job.sending_at) return "in_doubt";
        break;
      case providers::Outcome::kRetry:
        break;
    }
    if (job.state == "in_doubt") return "in_doubt";
    return used_up ? "dead" : "ready";
  }

  bool Record(const engine::Finished& finished) {
    const auto found = jobs_.find(finished.key.id);
    if (found == jobs_.end() || found->second.claim.key.token != finished.key.token) return false;
    MemoryJob& job = found->second;
    if (job.state != "running" && job.state != "in_doubt") return false;
    job.state = Verdict(job, finished.outcome);
    if (job.state != "in_doubt") job.claim.job.sending_at.reset();
    if (job.state == "in_doubt" && !job.claim.job.sending_at) {
      job.claim.job.sending_at = clock_.WallNow();
    }
    job.locked_by.clear();
    ++job.claim.key.token;
    job.run_at = clock_.Now() + finished.retry_in.value_or(engine::milliseconds(0));
    job.last_error = finished.error;
    job.last_code = finished.code;
    if (!finished.provider_id.empty()) job.provider_ref = finished.provider_id;
    return true;
  }

  void Claim(const std::string& worker, const engine::ClaimRequest& claim,
             engine::TurnReply& reply) {
    std::map<std::string, int> caps(claim.caps.begin(), claim.caps.end());
    std::vector<MemoryJob*> due;
    for (auto& [id, job] : jobs_) {
      if (!job.locked_by.empty() || (job.state != "ready" && job.state != "in_doubt")) continue;
      const int cap = caps.emplace(job.claim.lane, claim.default_cap).first->second;
      if (job.run_at > clock_.Now()) {
        const auto wait = std::chrono::ceil<engine::milliseconds>(job.run_at - clock_.Now());
        reply.next_due = std::min(reply.next_due.value_or(wait), wait);
      } else if (cap > 0) {
        due.push_back(&job);
      }
    }
    std::ranges::stable_sort(due, [](const MemoryJob* a, const MemoryJob* b) {
      return a->priority != b->priority ? a->priority > b->priority : a->run_at < b->run_at;
    });
    std::set<std::string> accounts;
    for (MemoryJob* job : due) {
      if (static_cast<int>(reply.jobs.size()) >= claim.limit) break;
      if (--caps[job->claim.lane] < 0) continue;
      Take(worker, *job);
      reply.jobs.push_back(job->claim);
      if (accounts_.contains(job->claim.lane)) accounts.insert(job->claim.lane);
    }
    for (const std::string& id : accounts) reply.accounts.push_back(accounts_.at(id));
  }

  void Take(const std::string& worker, MemoryJob& job) {
    job.claim.in_doubt = job.state == "in_doubt";
    job.claim.note = job.harmful && !job.claim.in_doubt;
    if (!job.claim.in_doubt) {
      job.state = "running";
      ++job.claim.job.attempt;
    }
    ++job.claim.key.token;
    job.locked_by = worker;
    job.locked_until = clock_.Now() + settings.lease;
  }

  const engine::Clock& clock_;
  std::map<std::string, engine::StoredAccount> accounts_;
  std::map<std::string, MemoryJob> jobs_;
};

// One worker's connection to it. Replies wait until Deliver() is called: a call changes the queue
// at once, as it would at the other end of a wire, and its caller hears of it later.
class MemoryQueueStore final : public engine::QueueStore {
 public:
  MemoryQueueStore(MemoryQueue& queue, std::string worker, bool wakes = true)
      : queue_(queue), worker_(std::move(worker)), wakes_(wakes) {}

  void SetListener(Listener* listener) override { listener_ = listener; }
  bool wakes() const override { return wakes_; }

  void Connect() { listener_->OnConnected(); }
  void Wake() { listener_->OnWake(std::nullopt); }

  // The connection breaks: replies that were not delivered are lost.
  void Disconnect() {
    std::deque<Reply> lost;
    lost.swap(replies_);
    for (const Reply& reply : lost) reply(true);
    listener_->OnDisconnected("broken on purpose");
  }

  // Answers what was asked so far. Returns whether there was anything.
  bool Deliver() {
    std::deque<Reply> replies;
    replies.swap(replies_);
    for (const Reply& reply : replies) reply(false);
    return !replies.empty();
  }
  std::size_t undelivered() const { return replies_.size(); }

  void Hello(std::span<const engine::JobKey> held,
             engine::StoreCallback<engine::HelloReply> callback) override {
    calls.emplace_back("hello");
    std::set<std::string> keep;
    for (const engine::JobKey& key : held) keep.insert(key.id);
    queue_.alive.insert(worker_);
    queue_.FreeWorkers({worker_}, keep);
    Answer<engine::HelloReply>({protocol, "memory", queue_.settings}, std::move(callback));
  }
  void Turn(const engine::TurnRequest& request,
            engine::StoreCallback<engine::TurnReply> callback) override {
    calls.emplace_back("turn");
    turns.push_back({request.finished.size(), request.claim, request.stats});
    if (fail_turns > 0) {
      --fail_turns;
      Fail<engine::TurnReply>("40P01", std::move(callback));
      return;
    }
    if (!queue_.alive.contains(worker_)) {
      Fail<engine::TurnReply>("P0002", std::move(callback));
      return;
    }
    Answer(queue_.Turn(worker_, request), std::move(callback));
  }
  void NoteSending(std::span<const engine::JobKey> jobs,
                   engine::StoreCallback<engine::SendingReply> callback) override {
    calls.emplace_back("note");
    Answer(queue_.NoteSending(worker_, jobs), std::move(callback));
  }
  void Renew(std::span<const engine::JobKey> jobs, engine::milliseconds lease,
             engine::StoreCallback<std::vector<std::string>> callback) override {
    calls.emplace_back("renew");
    Answer(queue_.Renew(worker_, jobs, lease), std::move(callback));
  }
  void Release(std::span<const engine::JobKey> jobs,
               engine::StoreCallback<engine::Done> callback) override {
    calls.emplace_back("release");
    queue_.Release(worker_, jobs);
    Answer(engine::Done{}, std::move(callback));
  }
  void Free(engine::StoreCallback<engine::FreeReply> callback) override {
    calls.emplace_back("free");
    Answer(queue_.FreeDead(worker_), std::move(callback));
  }
  void Goodbye(engine::StoreCallback<engine::Done> callback) override {
    calls.emplace_back("goodbye");
    queue_.FreeWorkers({worker_});
    queue_.alive.erase(worker_);
    Answer(engine::Done{}, std::move(callback));
  }

  struct SeenTurn {
    std::size_t finished;
    std::optional<engine::ClaimRequest> claim;
    std::optional<engine::WorkerStats> stats;
  };

  std::vector<std::string> calls;
  std::vector<SeenTurn> turns;
  int protocol = 1;
  int fail_turns = 0;  // so many turns fail without changing anything

 private:
  using Reply = std::function<void(bool lost)>;

  template <class T>
  void Answer(T value, engine::StoreCallback<T> callback) {
    replies_.push_back([value = std::move(value), callback = std::move(callback)](bool lost) {
      if (lost) {
        callback(engine::StoreError{"", "connection lost", true});
      } else {
        callback(value);
      }
    });
  }
  template <class T>
  void Fail(std::string sqlstate, engine::StoreCallback<T> callback) {
    replies_.push_back([sqlstate, callback = std::move(callback)](bool lost) {
      callback(engine::StoreError{lost ? "" : sqlstate, "failed on purpose", lost});
    });
  }

  MemoryQueue& queue_;
  std::string worker_;
  bool wakes_;
  Listener* listener_ = nullptr;
  std::deque<Reply> replies_;
};

}  // namespace switchboard::testing
