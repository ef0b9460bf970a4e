#include "workers/engine/engine.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <variant>

#include "workers/engine/fault.hpp"

namespace switchboard::engine {
namespace {

// One account may hold this many times the slots that are still free: alone it gets 90 % of all,
// and a few accounts whose endpoints hang leave room for every other.
constexpr int kShareOfFree = 9;
constexpr milliseconds kFirstBackOff{50};
constexpr milliseconds kLongestBackOff{5000};
constexpr milliseconds kLongestEmptyPoll{1000};
// The queue stores figures no more often than every two seconds.
constexpr milliseconds kStatsRest{2100};
constexpr std::chrono::seconds kFadeEvery{10};
constexpr std::string_view kUnknownProtocol = "0A000";
constexpr std::string_view kBadKey = "22023";
constexpr std::string_view kUnknownWorker = "P0002";
constexpr std::string_view kDataException = "22";  // classes
constexpr std::string_view kLimitExceeded = "54";
// Beyond the drain time, for recording what was cancelled.
constexpr std::chrono::seconds kLastWords{5};

milliseconds BackOff(int failures) {
  return std::min(kLongestBackOff, kFirstBackOff * (1 << std::min(failures - 1, 10)));
}

void Earlier(std::optional<TimePoint>& earliest, TimePoint at) {
  if (!earliest || at < *earliest) earliest = at;
}

}  // namespace

Engine::Engine(EngineParts parts)
    : parts_(std::move(parts)), accounts_(parts_.secrets, parts_.find_provider) {
  parts_.store.SetListener(this);
  parts_.transport.SetListener(this);
}

// --- Connection ---------------------------------------------------------------------------------

void Engine::OnConnected() {
  connected_ = true;
  hello_not_before_ = parts_.clock.Now();
}

void Engine::OnDisconnected(const std::string& reason) {
  connected_ = false;
  ready_ = false;
  Log(LogLevel::kWarning, "connection to the queue lost: " + reason);
}

void Engine::SayHello(TimePoint now) {
  if (ready_ || hello_under_way_ || now < hello_not_before_) return;
  std::vector<JobKey> held;
  jobs_.ForEach([&held](ActiveJob& job) { held.push_back(job.claimed.key); });
  outbox_.ForEach([&held](const Finished& finished) { held.push_back(finished.key); });
  hello_under_way_ = true;
  parts_.store.Hello(held, [this](StoreResult<HelloReply> result) { OnHello(std::move(result)); });
}

void Engine::OnHello(StoreResult<HelloReply> result) {
  hello_under_way_ = false;
  if (const auto* error = std::get_if<StoreError>(&result)) {
    if (error->lost) return;
    Log(LogLevel::kError, "hello was refused: " + error->message);
    hello_not_before_ = parts_.clock.Now() + BackOff(++hello_failures_);
    if (error->sqlstate == kUnknownProtocol || error->sqlstate == kBadKey) end_ = End::kUnfit;
    return;
  }
  const HelloReply& reply = std::get<HelloReply>(result);
  if (reply.protocol != kProtocol) {
    Log(LogLevel::kError, "the database speaks worker protocol " + std::to_string(reply.protocol) +
                              ", this program " + std::to_string(kProtocol) +
                              ": upgrade the older of the two");
    end_ = End::kUnfit;
    return;
  }
  OnSettings(reply.settings);
  hello_failures_ = 0;
  ready_ = true;
  claim_now_ = true;
  marks_.Clear();
  next_renewal_ = parts_.clock.Now();  // leases may have been running out meanwhile
}

void Engine::OnGone(const std::string& reason) {
  Log(LogLevel::kError, "the queue is gone: " + reason);
  if (end_ == End::kRunning) end_ = stopping_ ? End::kStopped : End::kGone;
}

void Engine::OnWake(std::optional<std::string_view> since) {
  claim_now_ = true;
  woken_ = true;
  poll_ = kShortestPoll;
  marks_.OnWake(since ? std::optional<std::string>(*since) : std::nullopt);
}

void Engine::OnSettings(const WorkerSettings& settings) {
  settings_ = settings;
  if (parts_.on_settings) parts_.on_settings(settings_);
}

// --- The step -----------------------------------------------------------------------------------

void Engine::Step() {
  if (end_ != End::kRunning) return;
  const TimePoint now = parts_.clock.Now();
  if (connected_) SayHello(now);
  if (ready_) {
    StartWaiting(now);
    SendNotes(now);
    SendReleases();
    RenewLeases(now);
    FreeForeignClaims(now);
    TakeTurn(now);
    accounts_.Prune(now);
  }
  if (stopping_) ContinueStop(now);
}

std::optional<TimePoint> Engine::NextDeadline() const {
  std::optional<TimePoint> earliest;
  if (end_ != End::kRunning) return earliest;
  const TimePoint now = parts_.clock.Now();
  if (stopping_) Earlier(earliest, now < stop_at_ ? stop_at_ : stop_at_ + kLastWords);
  if (connected_ && !ready_ && !hello_under_way_) Earlier(earliest, hello_not_before_);
  if (!ready_) return earliest;
  if (jobs_.size() > 0) Earlier(earliest, next_renewal_);
  if (foreign_claims_) Earlier(earliest, next_free_);
  for (const AccountState* account : accounts_.with_waiting()) {
    if (const auto at = account->gate.StartAgainAt(now, account->started)) Earlier(earliest, *at);
  }
  if (!to_note_.empty() && !note_under_way_) Earlier(earliest, note_not_before_);
  if (!turn_under_way_) {
    std::optional<TimePoint> turn;
    if (linger_until_) Earlier(turn, *linger_until_);
    if (!outbox_.empty() && on_wire_ == 0) Earlier(turn, now);
    if (stats_changed_ && on_wire_ == 0) Earlier(turn, last_turn_ + kStatsRest);
    if (MayClaim()) {
      if (claim_now_) Earlier(turn, linger_until_.value_or(now));
      if (claim_at_) Earlier(turn, *claim_at_);
      if (const auto at = accounts_.ClaimAgainAt(now, AccountShare())) {
        Earlier(turn, std::max(*at, linger_until_.value_or(*at)));
      }
    }
    if (turn) Earlier(earliest, std::max(*turn, turn_not_before_));
  }
  return earliest;
}

void Engine::StartWaiting(TimePoint now) {
  for (AccountState* account : accounts_.WithWaiting()) {
    if (account->gate.Shut(now)) {
      while (!account->waiting.empty()) Release(*jobs_.Find(account->waiting.front()));
      continue;
    }
    while (!account->waiting.empty() && account->gate.TryStart(now, account->started)) {
      ActiveJob& job = *jobs_.Find(account->waiting.front());
      account->waiting.pop_front();
      ++account->started;
      Admit(job);
    }
  }
}

void Engine::SendNotes(TimePoint now) {
  if (note_under_way_ || to_note_.empty() || now < note_not_before_) return;
  std::vector<JobSlot> slots;
  slots.swap(to_note_);
  std::vector<JobKey> keys;
  for (const JobSlot slot : slots) {
    ActiveJob* job = jobs_.Find(slot);
    if (job == nullptr) continue;
    job->state = ActiveJob::State::kNoting;
    keys.push_back(job->claimed.key);
  }
  note_under_way_ = true;
  parts_.store.NoteSending(keys,
                           [this, slots = std::move(slots)](StoreResult<SendingReply> result) {
                             OnNoted(slots, std::move(result));
                           });
}

void Engine::OnNoted(const std::vector<JobSlot>& slots, StoreResult<SendingReply> result) {
  note_under_way_ = false;
  if (const auto* error = std::get_if<StoreError>(&result)) {
    if (!error->lost) {
      Log(LogLevel::kWarning, "noting what is about to be sent failed: " + error->message);
    }
    note_not_before_ = parts_.clock.Now() + kFirstBackOff;
    for (const JobSlot slot : slots) {
      ActiveJob* job = jobs_.Find(slot);
      if (job == nullptr) continue;
      job->state = ActiveJob::State::kToNote;
      to_note_.push_back(slot);
    }
    return;
  }
  SB_FAULT("after_sending_noted");
  const SendingReply& reply = std::get<SendingReply>(result);
  const std::unordered_set<std::string_view> go(reply.go.begin(), reply.go.end());
  for (const JobSlot slot : slots) {
    ActiveJob* job = jobs_.Find(slot);
    if (job == nullptr) continue;
    if (go.contains(job->claimed.key.id)) {
      Transmit(*job);
    } else {
      job->account->gate.UndoStart();
      Drop(*job);
    }
  }
}

void Engine::SendReleases() {
  if (to_release_.empty()) return;
  std::vector<JobKey> keys;
  keys.swap(to_release_);
  // Should it fail, the leases run out.
  parts_.store.Release(keys, [this](const StoreResult<Done>& result) {
    const auto* error = std::get_if<StoreError>(&result);
    if (error != nullptr) Log(LogLevel::kWarning, "giving jobs back failed: " + error->message);
  });
}

void Engine::RenewLeases(TimePoint now) {
  if (renew_under_way_ || now < next_renewal_) return;
  const milliseconds third = settings_.lease / 3;
  next_renewal_ = now + third;
  std::vector<JobKey> keys;
  jobs_.ForEach([&](ActiveJob& job) {
    if (now - job.leased_at < third / 2) return;
    job.leased_at = now;
    keys.push_back(job.claimed.key);
  });
  if (keys.empty()) return;
  renew_under_way_ = true;
  parts_.store.Renew(keys, settings_.lease, [this](StoreResult<std::vector<std::string>> result) {
    OnRenewed(std::move(result));
  });
}

void Engine::OnRenewed(StoreResult<std::vector<std::string>> result) {
  renew_under_way_ = false;
  if (const auto* error = std::get_if<StoreError>(&result)) {
    if (!error->lost) Log(LogLevel::kWarning, "renewing leases failed: " + error->message);
    next_renewal_ = parts_.clock.Now() + kFirstBackOff * 10;
    return;
  }
  const auto& ids = std::get<std::vector<std::string>>(result);
  if (ids.empty()) return;
  const std::unordered_set<std::string_view> lost(ids.begin(), ids.end());
  std::vector<JobSlot> unsent;
  jobs_.ForEach([&](ActiveJob& job) {
    // What is on the wire goes on: its result will be recognised as stale.
    if (job.state == ActiveJob::State::kWaiting && lost.contains(job.claimed.key.id)) {
      unsent.push_back(job.slot);
    }
  });
  for (const JobSlot slot : unsent) Drop(*jobs_.Find(slot));
}

void Engine::FreeForeignClaims(TimePoint now) {
  if (!foreign_claims_ || free_under_way_ || now < next_free_ || stopping_) return;
  free_under_way_ = true;
  next_free_ = now + kWatchEvery;
  parts_.store.Free([this](StoreResult<FreeReply> result) { OnFreed(std::move(result)); });
}

void Engine::OnFreed(StoreResult<FreeReply> result) {
  free_under_way_ = false;
  if (const auto* error = std::get_if<StoreError>(&result)) {
    if (!error->lost) Log(LogLevel::kWarning, "freeing claims failed: " + error->message);
    return;
  }
  const FreeReply& reply = std::get<FreeReply>(result);
  foreign_claims_ = reply.foreign_claims;
  if (reply.freed > 0) OnWake(std::nullopt);
}

// --- The turn -----------------------------------------------------------------------------------

void Engine::TakeTurn(TimePoint now) {
  if (turn_under_way_ || now < turn_not_before_) return;
  const bool claim = ClaimWanted(now);
  if (!claim && outbox_.empty() && !StatsDue(now)) return;
  if (!TurnIsUrgent(now, claim)) {
    if (!linger_until_) linger_until_ = now + kLinger;
    return;
  }
  linger_until_.reset();
  turn_ = TurnRequest{};
  if (claim) turn_.claim = MakeClaim(now);
  turn_.finished = outbox_.Take();
  if (!turn_.finished.empty()) SB_FAULT("before_record");
  FillStats(turn_, now);
  turn_under_way_ = true;
  last_turn_ = now;
  parts_.store.Turn(turn_, [this](StoreResult<TurnReply> result) { OnTurn(std::move(result)); });
}

bool Engine::TurnIsUrgent(TimePoint now, bool claim) const {
  if (on_wire_ == 0 || (claim && woken_)) return true;
  if (linger_until_ && now >= *linger_until_) return true;
  const std::size_t batch = static_cast<std::size_t>(settings_.batch_size);
  return outbox_.waiting() >= batch || (claim && FreeSlots() >= settings_.batch_size);
}

void Engine::OnTurn(StoreResult<TurnReply> result) {
  turn_under_way_ = false;
  if (const auto* error = std::get_if<StoreError>(&result)) {
    OnTurnFailed(*error);
    return;
  }
  turn_failures_ = 0;
  outbox_.Confirm();
  TurnReply& reply = std::get<TurnReply>(result);
  if (!reply.jobs.empty()) SB_FAULT("after_claim");
  const TimePoint now = parts_.clock.Now();
  foreign_claims_ = reply.foreign_claims;
  if (!turn_.claim) {
    // Results that are to be tried again: nobody else will tell us when.
    if (reply.next_due) ClaimNotLaterThan(now + *reply.next_due);
    return;
  }
  for (const StoredAccount& account : reply.accounts) accounts_.Update(account, now);
  const std::size_t count = reply.jobs.size();
  const auto unknown = accounts_.NoteClaimed(*turn_.claim, reply.jobs, now);
  for (ClaimedJob& job : reply.jobs) Accept(std::move(job), now);
  for (AccountState* account : unknown) ReleaseExcess(*account, now);
  marks_.OnClaimed(std::move(reply.marks));
  ScheduleClaim(reply, count, now);
}

void Engine::OnTurnFailed(const StoreError& error) {
  outbox_.PutBack();
  claim_now_ = true;
  marks_.Clear();
  if (error.lost) return;
  ++turn_failures_;
  turn_not_before_ = parts_.clock.Now() + BackOff(turn_failures_);
  Log(LogLevel::kWarning, "a turn failed: " + error.message);
  if (error.sqlstate == kUnknownWorker) {
    // The queue does not know us any more (it was restored, or cleaned up): introduce ourselves.
    ready_ = false;
    hello_not_before_ = turn_not_before_;
    return;
  }
  // A deadlock or a full disk is not the fault of a result; bad data may be.
  const std::string_view kind = std::string_view(error.sqlstate).substr(0, 2);
  if (kind != kDataException && kind != kLimitExceeded) return;
  Finished dropped;
  if (outbox_.Shrink(&dropped)) {
    Log(LogLevel::kError, "the result of job " + dropped.key.id + " cannot be recorded");
  }
}

int Engine::FreeSlots() const { return settings_.max_in_flight - in_flight(); }

int Engine::AccountShare() const { return std::max(1, FreeSlots() * kShareOfFree); }

bool Engine::MayClaim() const {
  if (stopping_ || FreeSlots() <= 0) return false;
  // Back-pressure: what is answered but not recorded is worked off first.
  if (outbox_.size() > static_cast<std::size_t>(settings_.max_in_flight)) return false;
  // After a failure results go alone: they and the claim may not be at fault both.
  return turn_failures_ == 0 || outbox_.empty();
}

bool Engine::ClaimWanted(TimePoint now) const {
  if (!MayClaim()) return false;
  if (claim_now_ || (claim_at_ && *claim_at_ <= now)) return true;
  const auto again = accounts_.ClaimAgainAt(now, AccountShare());
  return again && *again <= now;
}

ClaimRequest Engine::MakeClaim(TimePoint now) {
  ClaimRequest claim;
  claim.limit = std::min(settings_.batch_size, FreeSlots());
  if (claim_at_ && *claim_at_ <= now) marks_.WantDiscover();
  marks_.Fill(claim, now);
  accounts_.FillCaps(claim, now, AccountShare());
  claim_now_ = false;
  woken_ = false;
  claim_at_.reset();
  return claim;
}

void Engine::ScheduleClaim(const TurnReply& reply, std::size_t claimed, TimePoint now) {
  if (claimed >= static_cast<std::size_t>(turn_.claim->limit)) claim_now_ = true;
  poll_ = claimed > 0 ? kShortestPoll : std::min(poll_ * 2, settings_.poll_interval);
  milliseconds wait = parts_.store.wakes() ? settings_.poll_interval : poll_;
  if (reply.next_due) {
    // What is due and was not given to us is locked by another, or belongs to a lane that is
    // limited: asking again at once would give the same answer.
    const milliseconds least = claimed > 0 ? milliseconds(0) : std::min(poll_, kLongestEmptyPoll);
    wait = std::min(wait, std::max(*reply.next_due, least));
  }
  ClaimNotLaterThan(now + wait);
}

void Engine::ClaimNotLaterThan(TimePoint at) { Earlier(claim_at_, at); }

bool Engine::StatsDue(TimePoint now) const {
  return stats_changed_ && on_wire_ == 0 && now - last_turn_ >= kStatsRest;
}

void Engine::FillStats(TurnRequest& request, TimePoint now) {
  if (!stats_changed_) return;
  // Only figures that came after a rest are sure to be stored; those of a busy worker follow.
  if (StatsDue(now)) stats_changed_ = false;
  stats_.in_flight = in_flight();
  stats_.p50_ms = latencies_.QuantileMs(0.5);
  stats_.p99_ms = latencies_.QuantileMs(0.99);
  request.stats = stats_;
  if (now < next_fade_) return;
  next_fade_ = now + kFadeEvery;
  latencies_.Fade();
}

// --- Stopping -----------------------------------------------------------------------------------

void Engine::Stop() {
  if (stopping_) return;
  stopping_ = true;
  stop_at_ = parts_.clock.Now() + settings_.drain_timeout;
  ReleaseUnsent();
}

void Engine::ContinueStop(TimePoint now) {
  if (now >= stop_at_) CancelRunning();
  const bool clean = jobs_.size() == 0 && outbox_.size() == 0 && !turn_under_way_;
  if (now >= stop_at_ + kLastWords || (!ready_ && now >= stop_at_) || (!ready_ && clean)) {
    end_ = End::kStopped;
    return;
  }
  if (!ready_ || !clean || goodbye_said_) return;
  SendReleases();
  goodbye_said_ = true;
  parts_.store.Goodbye([this](const StoreResult<Done>&) { end_ = End::kStopped; });
}

}  // namespace switchboard::engine
