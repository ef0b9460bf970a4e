#pragma once
// The drain loop: claims jobs, sends them through their provider, records what became of them.
//
// Single-threaded and never blocking. The owner waits for descriptors and time, lets store and
// transport call back, and then calls Step(), which does everything that can be done now. All state
// that must survive lies in the queue: the process may die between any two instructions.
//
// The life of a claimed job here (its life in the queue is the queue's business):
//
//   waiting  -- its account's gate lets it through, it needs no note  --> started
//   waiting  -- ... and it must be noted first                        --> to note
//   to note  -- a note with it is under way                           --> noting
//   noting   -- "go"                                                  --> started
//   noting   -- "stop": fenced, or refused and disposed of            --> gone
//   noting   -- the note failed, or the connection was lost           --> to note
//   started  -- an answer came                                        --> its result is in the
//   outbox waiting, to note -- stop, or its account's gate is shut           --> released
//
// A turn records the outbox and claims in one commit. While one is under way answers collect for
// the next: under load the turn itself is the batching window.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workers/core/random.hpp"
#include "workers/engine/account_table.hpp"
#include "workers/engine/clock.hpp"
#include "workers/engine/job.hpp"
#include "workers/engine/job_table.hpp"
#include "workers/engine/lane_marks.hpp"
#include "workers/engine/latency_histogram.hpp"
#include "workers/engine/log_sink.hpp"
#include "workers/engine/outbox.hpp"
#include "workers/engine/queue_store.hpp"
#include "workers/engine/secret_source.hpp"
#include "workers/engine/transport.hpp"

namespace switchboard::engine {

struct EngineParts {
  QueueStore& store;
  Transport& transport;
  const Clock& clock;
  core::Random& random;
  SecretSource& secrets;
  LogSink& log;
  ProviderFinder find_provider;
  // Told at hello and whenever the settings change.
  std::function<void(const WorkerSettings&)> on_settings;
};

class Engine final : public QueueStore::Listener, public Transport::Listener {
 public:
  enum class End { kRunning, kStopped, kGone, kUnfit };

  static constexpr int kProtocol = 1;
  // Back-off of a job whose endpoint does not ask for more.
  static constexpr std::chrono::seconds kRetryBase{2};
  static constexpr std::chrono::hours kRetryCap{1};
  // How long a small batch waits for company while requests are in flight.
  static constexpr std::chrono::microseconds kLinger{1000};
  static constexpr milliseconds kShortestPoll{10};
  static constexpr milliseconds kWatchEvery{500};

  explicit Engine(EngineParts parts);

  void Step();
  // When Step() has something to do even if nothing happens until then.
  std::optional<TimePoint> NextDeadline() const;

  // Claims no more, lets what runs finish within the drain time, then says goodbye.
  void Stop();
  // kStopped: after Stop. kGone: the store gave up. kUnfit: the queue speaks another protocol.
  End end() const { return end_; }

  int in_flight() const { return static_cast<int>(jobs_.size()); }

  // QueueStore::Listener
  void OnConnected() override;
  void OnDisconnected(const std::string& reason) override;
  void OnGone(const std::string& reason) override;
  void OnWake(std::optional<std::string_view> since) override;
  void OnStop() override { Stop(); }
  void OnSettings(const WorkerSettings& settings) override;
  // Transport::Listener
  void OnResponse(Transport::TransferId id, const providers::HttpResponse& response) override;

 private:
  void OnHello(StoreResult<HelloReply> result);
  void OnTurn(StoreResult<TurnReply> result);
  void OnTurnFailed(const StoreError& error);
  void OnNoted(const std::vector<JobSlot>& slots, StoreResult<SendingReply> result);
  void OnRenewed(StoreResult<std::vector<std::string>> result);
  void OnFreed(StoreResult<FreeReply> result);

  // What a step does.
  void SayHello(TimePoint now);
  void StartWaiting(TimePoint now);
  void SendNotes(TimePoint now);
  void SendReleases();
  void RenewLeases(TimePoint now);
  void FreeForeignClaims(TimePoint now);
  void TakeTurn(TimePoint now);
  void ContinueStop(TimePoint now);

  // Claiming.
  int FreeSlots() const;
  int AccountShare() const;
  bool MayClaim() const;
  bool ClaimWanted(TimePoint now) const;
  ClaimRequest MakeClaim(TimePoint now);
  void ScheduleClaim(const TurnReply& reply, std::size_t claimed, TimePoint now);
  void ClaimNotLaterThan(TimePoint at);
  bool TurnIsUrgent(TimePoint now, bool claim) const;
  bool StatsDue(TimePoint now) const;
  void FillStats(TurnRequest& request, TimePoint now);

  // One job (engine_jobs.cpp).
  void Accept(ClaimedJob claimed, TimePoint now);
  void Admit(ActiveJob& job);
  void Transmit(ActiveJob& job);
  providers::Built BuildRequest(ActiveJob& job);
  void Settle(ActiveJob& job, const providers::HttpResponse& response);
  void Finish(ActiveJob& job, providers::Result result);
  void Learn(AccountState& account, const providers::HttpResponse& response,
             const providers::Result& result);
  milliseconds RetryDelay(const ActiveJob& job, const providers::Result& result);
  void Release(ActiveJob& job);
  void ReleaseExcess(AccountState& account, TimePoint now);
  void ReleaseUnsent();
  void CancelRunning();
  void Drop(ActiveJob& job);

  void Log(LogLevel level, const std::string& message) { parts_.log.Log(level, message); }

  EngineParts parts_;
  WorkerSettings settings_;
  End end_ = End::kRunning;

  AccountTable accounts_;
  JobTable jobs_;
  Outbox outbox_;
  LaneMarks marks_;
  int on_wire_ = 0;

  bool connected_ = false;
  bool ready_ = false;  // connected, and hello was answered
  bool hello_under_way_ = false;
  bool turn_under_way_ = false;
  bool note_under_way_ = false;
  bool renew_under_way_ = false;
  bool free_under_way_ = false;

  // When to claim: at once, at a time, or when a limited account has room again (accounts_).
  bool claim_now_ = false;
  bool woken_ = false;  // claim_now_ because jobs were committed: do not linger
  std::optional<TimePoint> claim_at_;
  milliseconds poll_{kShortestPoll};

  int hello_failures_ = 0;
  TimePoint hello_not_before_{};
  TurnRequest turn_;  // the one under way
  int turn_failures_ = 0;
  TimePoint turn_not_before_{};
  TimePoint note_not_before_{};
  std::optional<TimePoint> linger_until_;

  std::vector<JobSlot> to_note_;
  std::vector<JobKey> to_release_;
  TimePoint next_renewal_{};
  bool foreign_claims_ = false;
  TimePoint next_free_{};

  bool stopping_ = false;
  bool goodbye_said_ = false;
  TimePoint stop_at_{};

  LatencyHistogram latencies_;
  WorkerStats stats_;
  bool stats_changed_ = false;
  TimePoint last_turn_{};
  TimePoint next_fade_{};
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
