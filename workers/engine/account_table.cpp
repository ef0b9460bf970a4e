#include "workers/engine/account_table.hpp"

#include <algorithm>
#include <utility>

#include "workers/core/errors.hpp"

namespace switchboard::engine {
namespace {

constexpr std::chrono::seconds kPruneEvery{10};
constexpr std::chrono::seconds kKeepUnused{60};

}  // namespace

AccountTable::AccountTable(SecretSource& secrets, ProviderFinder find_provider)
    : secrets_(secrets), find_provider_(std::move(find_provider)) {}

AccountState& AccountTable::Lane(const std::string& lane, TimePoint now) {
  std::unique_ptr<AccountState>& state = lanes_[lane];
  if (!state) {
    state = std::make_unique<AccountState>();
    state->lane = lane;
  }
  state->used_at = now;
  return *state;
}

void AccountTable::Update(const StoredAccount& stored, TimePoint now) {
  AccountState& state = Lane(stored.account.id, now);
  state.known = true;
  state.account = stored.account;
  state.provider = find_provider_(stored.account.provider);
  state.gate.Configure({stored.rate_per_second, stored.burst, stored.max_in_flight}, now);
  state.secret_error.clear();
  for (const auto& [name, sealed] : stored.sealed_secrets) {
    try {
      state.account.secrets[name] = secrets_.Resolve(stored.account.id, name, sealed);
    } catch (const core::Error& error) {
      state.secret_error = "secret " + name + ": " + error.what();
    }
  }
}

void AccountTable::AddWaiting(AccountState& state, JobSlot slot) {
  state.waiting.push_back(slot);
  if (state.queued) return;
  state.queued = true;
  with_waiting_.push_back(&state);
}

const std::vector<AccountState*>& AccountTable::WithWaiting() {
  std::erase_if(with_waiting_, [](AccountState* state) {
    if (!state->waiting.empty()) return false;
    state->queued = false;
    return true;
  });
  return with_waiting_;
}

void AccountTable::FillCaps(ClaimRequest& claim, TimePoint now, int share) const {
  claim.default_cap = std::min(claim.limit, AccountGate::kFirstWindow);
  for (const auto& [lane, state] : lanes_) {
    const int cap =
        state->gate.ClaimCap(now, state->held(), static_cast<int>(state->waiting.size()), share);
    claim.caps.emplace_back(lane, std::min(cap, claim.limit));
  }
}

std::vector<AccountState*> AccountTable::NoteClaimed(const ClaimRequest& claim,
                                                     std::span<const ClaimedJob> jobs,
                                                     TimePoint now) {
  std::unordered_map<std::string_view, int> claimed;
  for (const ClaimedJob& job : jobs) ++claimed[job.lane];
  for (const auto& [lane, cap] : claim.caps) {
    const auto count = claimed.extract(lane);
    const auto state = lanes_.find(lane);
    if (state != lanes_.end()) state->second->backlog = (count ? count.mapped() : 0) >= cap;
  }
  std::vector<AccountState*> unknown;
  for (const auto& [lane, count] : claimed) {
    AccountState& state = Lane(std::string(lane), now);
    state.backlog = count >= claim.default_cap;
    unknown.push_back(&state);
  }
  return unknown;
}

std::optional<TimePoint> AccountTable::ClaimAgainAt(TimePoint now, int share) const {
  std::optional<TimePoint> earliest;
  for (const auto& [lane, state] : lanes_) {
    if (!state->backlog) continue;
    const auto at = state->gate.ClaimAgainAt(now, state->held(),
                                             static_cast<int>(state->waiting.size()), share);
    if (at && (!earliest || *at < *earliest)) earliest = at;
  }
  return earliest;
}

void AccountTable::Prune(TimePoint now) {
  if (now < next_prune_) return;
  next_prune_ = now + kPruneEvery;
  WithWaiting();
  std::erase_if(lanes_, [now](const auto& entry) {
    const AccountState& state = *entry.second;
    return state.held() == 0 && !state.queued && now - state.used_at > kKeepUnused &&
           !state.gate.Shut(now) && state.gate.breaker_state(now) == CircuitBreaker::State::kClosed;
  });
}

}  // namespace switchboard::engine
