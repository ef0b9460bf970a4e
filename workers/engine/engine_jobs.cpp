// What happens to a single job on its way through the engine.

#include <algorithm>
#include <exception>
#include <utility>
#include <variant>

#include "workers/core/backoff.hpp"
#include "workers/core/json.hpp"
#include "workers/core/retry_after.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/fault.hpp"

namespace switchboard::engine {
namespace {

using providers::HttpRequest;
using providers::HttpResponse;
using providers::Outcome;
using providers::Result;

constexpr int kMostLookups = 10;
// Providers need a moment to list what they took.
constexpr milliseconds kLookupRest{5000};
constexpr milliseconds kShortestPause{1000};
constexpr std::size_t kMostResponseBytes = 64 * 1024;
constexpr std::size_t kMostErrorBytes = 1000;

Result Failure(Outcome outcome, std::string code, std::string error) {
  Result result;
  result.outcome = outcome;
  result.code = std::move(code);
  result.error = std::move(error);
  return result;
}

bool EndpointFailed(const HttpResponse& response) {
  switch (response.transport) {
    case providers::Transport::kNotResolved:
    case providers::Transport::kRefused:
    case providers::Transport::kTls:
    case providers::Transport::kTimeout:
    case providers::Transport::kReset:
      return true;
    case providers::Transport::kAnswered:
    case providers::Transport::kTooBig:
      return response.status >= 500;
    case providers::Transport::kBlocked:
    case providers::Transport::kBadRequest:
      return false;
  }
  return false;
}

bool Answered(const HttpResponse& response) {
  return response.transport == providers::Transport::kAnswered ||
         response.transport == providers::Transport::kTooBig;
}

// What is to be thought of a job whose request left and whose answer will never be known.
Result Lost(const ActiveJob& job, std::string code, std::string error) {
  const providers::Provider* provider = job.account->provider;
  const providers::KindInfo* kind =
      provider == nullptr ? nullptr : provider->capabilities().Find(job.claimed.job.kind);
  const bool repeated = kind != nullptr && !kind->repeat_harms && !kind->can_look_up;
  Result result = Failure(Outcome::kUnknown, std::move(code), std::move(error));
  if (repeated && !job.claimed.in_doubt) {
    result.outcome = Outcome::kRetry;
    result.provider_id = job.claimed.key.id;  // perhaps taken
  }
  return result;
}

bool SlowDown(const HttpResponse& response, const Result& result) {
  if (!Answered(response)) return false;
  return response.status == 429 || (response.status == 503 && result.retry_after);
}

// The queue takes nothing but an object, and keeps it for long.
std::string SmallObject(std::string json) {
  if (json.size() > kMostResponseBytes) return {};
  const auto parsed = core::TryParseJson(json);
  return parsed && parsed->IsObject() ? std::move(json) : std::string();
}

}  // namespace

void Engine::Accept(ClaimedJob claimed, TimePoint now) {
  AccountState& account = accounts_.Lane(claimed.lane, now);
  ActiveJob& job = jobs_.Add(std::move(claimed), account, now);
  accounts_.AddWaiting(account, job.slot);
  if (stopping_) Release(job);
}

void Engine::Admit(ActiveJob& job) {
  if (!job.claimed.note) {
    Transmit(job);
    return;
  }
  job.state = ActiveJob::State::kToNote;
  to_note_.push_back(job.slot);
}

providers::Built Engine::BuildRequest(ActiveJob& job) {
  const AccountState& account = *job.account;
  if (!account.known || job.claimed.account_id.empty()) {
    return Failure(Outcome::kPermanent, "no_account", "the job has no provider account");
  }
  if (account.provider == nullptr) {
    return Failure(Outcome::kPermanent, "unknown_provider",
                   "unknown provider: " + account.account.provider);
  }
  const providers::KindInfo* kind = account.provider->capabilities().Find(job.claimed.job.kind);
  if (kind == nullptr) {
    return Failure(Outcome::kPermanent, "unsupported_kind",
                   account.account.provider + " cannot do jobs of kind " + job.claimed.job.kind);
  }
  if (!account.secret_error.empty()) {
    Result result = Failure(Outcome::kRetry, "secret_unavailable", account.secret_error);
    result.account_fault = true;
    return result;
  }
  const providers::Instant now = parts_.clock.WallNow();
  if (!job.claimed.in_doubt) {
    return account.provider->BuildRequest(job.claimed.job, account.account, now);
  }
  if (!kind->can_look_up) {
    return Failure(job.claimed.job.kind == "message" ? Outcome::kAbsent : Outcome::kPermanent,
                   "in_doubt", "perhaps sent, and the provider cannot be asked");
  }
  return account.provider->BuildLookup(job.claimed.job, account.account, now);
}

void Engine::Transmit(ActiveJob& job) {
  job.state = ActiveJob::State::kStarted;
  job.started_at = parts_.clock.Now();
  providers::Built built;
  try {
    built = BuildRequest(job);
  } catch (const std::exception& error) {
    built = Failure(Outcome::kPermanent, "bad_job", error.what());
  }
  if (auto* result = std::get_if<Result>(&built)) {
    if (result->account_fault) job.account->gate.OnAccountFault(job.started_at);
    Finish(job, std::move(*result));
    return;
  }
  HttpRequest& request = std::get<HttpRequest>(built);
  request.fresh_connection = request.fresh_connection || job.claimed.note;
  if (job.claimed.in_doubt) job.asked = request;
  ++on_wire_;
  parts_.transport.Send(job.slot, std::move(request));
}

void Engine::OnResponse(Transport::TransferId id, const HttpResponse& response) {
  SB_FAULT("after_answer");
  --on_wire_;
  ActiveJob* job = jobs_.Find(id);
  if (job == nullptr) return;
  try {
    Settle(*job, response);
  } catch (const std::exception& error) {
    // An answer that its provider cannot read: the request was made, its fate is not known.
    Finish(*job, Lost(*job, "bad_answer", error.what()));
  }
}

void Engine::Settle(ActiveJob& job, const HttpResponse& response) {
  AccountState& account = *job.account;
  const providers::Instant now = parts_.clock.WallNow();
  Result result;
  if (job.claimed.in_doubt) {
    providers::Looked looked = account.provider->InterpretLookup(job.claimed.job, account.account,
                                                                 job.asked, response, now);
    if (auto* next = std::get_if<HttpRequest>(&looked)) {
      if (++job.lookups < kMostLookups) {
        job.asked = *next;
        ++on_wire_;
        parts_.transport.Send(job.slot, std::move(*next));
        return;
      }
      looked = Failure(Outcome::kRetry, "look_up_too_long", "the provider's list does not end");
    }
    result = std::get<Result>(std::move(looked));
  } else {
    result = account.provider->Interpret(job.claimed.job, account.account, response, now);
  }
  Learn(account, response, result);
  Finish(job, std::move(result));
}

void Engine::Learn(AccountState& account, const HttpResponse& response, const Result& result) {
  const TimePoint now = parts_.clock.Now();
  const auto before = account.gate.breaker_state(now);
  if (result.account_fault) {
    account.gate.OnAccountFault(now);
  } else if (EndpointFailed(response)) {
    account.gate.OnFailure(now);
  } else if (Answered(response)) {
    account.gate.OnSuccess();
  }
  if (SlowDown(response, result)) {
    const milliseconds asked =
        std::min<milliseconds>(result.retry_after.value_or(kShortestPause), core::kMaxRetryAfter);
    account.gate.Pause(now + std::max(asked, kShortestPause));
  }
  const auto after = account.gate.breaker_state(now);
  if (before == after) return;
  if (after == CircuitBreaker::State::kOpen) {
    Log(LogLevel::kWarning, "account " + account.lane + " fails (" + result.code +
                                "): its jobs wait until it answers again");
  } else if (after == CircuitBreaker::State::kClosed) {
    Log(LogLevel::kInfo, "account " + account.lane + " answers again");
  }
}

milliseconds Engine::RetryDelay(const ActiveJob& job, const Result& result) {
  milliseconds own =
      core::FullJitter(kRetryBase, kRetryCap, job.claimed.job.attempt, parts_.random);
  if (job.claimed.in_doubt || result.outcome == Outcome::kUnknown) own = std::max(own, kLookupRest);
  std::optional<std::chrono::seconds> asked;
  if (result.retry_after) asked = std::chrono::ceil<std::chrono::seconds>(*result.retry_after);
  return core::RetryDelay(own, asked, parts_.random);
}

void Engine::Finish(ActiveJob& job, Result result) {
  const TimePoint now = parts_.clock.Now();
  Finished finished;
  finished.key = job.claimed.key;
  finished.outcome = result.outcome;
  if (result.outcome == Outcome::kRetry || result.outcome == Outcome::kUnknown ||
      result.outcome == Outcome::kAbsent) {
    finished.retry_in = RetryDelay(job, result);
    ClaimNotLaterThan(now + *finished.retry_in + milliseconds(1));
  }
  finished.took = std::chrono::duration_cast<milliseconds>(now - job.started_at);
  if (!parts_.store.wakes()) {
    // Nobody will tell us of what comes next: look for it together with recording this.
    claim_now_ = true;
    poll_ = kShortestPoll;
  }
  latencies_.Add(now - job.started_at);
  stats_changed_ = true;
  if (result.outcome == Outcome::kOk) {
    ++stats_.done;
  } else {
    ++stats_.failed;
    stats_.last_error = result.error.substr(0, kMostErrorBytes);
  }
  finished.provider_id = std::move(result.provider_id);
  finished.code = std::move(result.code);
  finished.error = result.error.substr(0, kMostErrorBytes);
  if (!result.response_json.empty()) {
    finished.response_json = SmallObject(std::move(result.response_json));
  }
  outbox_.Add(std::move(finished));
  Drop(job);
}

void Engine::Release(ActiveJob& job) {
  to_release_.push_back(job.claimed.key);
  if (job.state != ActiveJob::State::kWaiting) job.account->gate.UndoStart();
  Drop(job);
}

// The first claim of a lane is made without knowing its limits.
void Engine::ReleaseExcess(AccountState& account, TimePoint now) {
  const int room = account.gate.ClaimCap(now, account.started, 0, settings_.max_in_flight);
  while (static_cast<int>(account.waiting.size()) > room) {
    Release(*jobs_.Find(account.waiting.back()));
    account.backlog = true;
  }
}

void Engine::ReleaseUnsent() {
  std::vector<JobSlot> unsent;
  jobs_.ForEach([&unsent](ActiveJob& job) {
    if (job.state == ActiveJob::State::kWaiting || job.state == ActiveJob::State::kToNote) {
      unsent.push_back(job.slot);
    }
  });
  for (const JobSlot slot : unsent) Release(*jobs_.Find(slot));
}

void Engine::CancelRunning() {
  std::vector<JobSlot> running;
  jobs_.ForEach([&running](ActiveJob& job) {
    if (job.state == ActiveJob::State::kStarted) running.push_back(job.slot);
  });
  for (const JobSlot slot : running) {
    const bool bytes_left = parts_.transport.Cancel(slot);
    --on_wire_;
    ActiveJob& job = *jobs_.Find(slot);
    constexpr char kWhy[] = "the worker stopped before the answer";
    Finish(job, bytes_left ? Lost(job, "worker_stopped", kWhy)
                           : Failure(Outcome::kRetry, "worker_stopped", kWhy));
  }
}

void Engine::Drop(ActiveJob& job) {
  AccountState& account = *job.account;
  if (job.state == ActiveJob::State::kWaiting) {
    std::erase(account.waiting, job.slot);
  } else {
    --account.started;
  }
  account.used_at = parts_.clock.Now();
  jobs_.Remove(job.slot);
}

}  // namespace switchboard::engine
