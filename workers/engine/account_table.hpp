#pragma once
// The accounts (lanes) the engine works for: their resolved settings, their limits and the jobs
// that wait for them.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "workers/engine/account_gate.hpp"
#include "workers/engine/clock.hpp"
#include "workers/engine/job.hpp"
#include "workers/engine/secret_source.hpp"
#include "workers/providers/provider.hpp"

namespace switchboard::engine {

using JobSlot = std::uint64_t;
using ProviderFinder = std::function<const providers::Provider*(std::string_view name)>;

struct AccountState {
  std::string lane;
  bool known = false;  // false: no account of that id, or jobs without account
  providers::Account account;
  const providers::Provider* provider = nullptr;
  std::string secret_error;  // why the secrets could not be had; empty when they could
  AccountGate gate;
  std::deque<JobSlot> waiting;  // claimed, not yet admitted by the gate
  int started = 0;              // admitted by the gate and not yet answered
  bool queued = false;          // is in AccountTable::with_waiting
  // The last claim took as much as it was allowed to: more is probably there.
  bool backlog = false;
  TimePoint used_at{};

  int held() const { return started + static_cast<int>(waiting.size()); }
};

class AccountTable {
 public:
  AccountTable(SecretSource& secrets, ProviderFinder find_provider);

  // Takes over what the queue says about an account.
  void Update(const StoredAccount& stored, TimePoint now);
  // The state of a lane, made when it is new. Never moves while jobs are held.
  AccountState& Lane(const std::string& lane, TimePoint now);

  void AddWaiting(AccountState& state, JobSlot slot);
  // Accounts with waiting jobs. Those without any are dropped from the list by the next call.
  const std::vector<AccountState*>& WithWaiting();
  const std::vector<AccountState*>& with_waiting() const { return with_waiting_; }

  // Caps of a claim, and what to conclude from what it brought. `share`: what one account may hold.
  void FillCaps(ClaimRequest& claim, TimePoint now, int share) const;
  // Returns the lanes that were claimed from without knowing their limits.
  std::vector<AccountState*> NoteClaimed(const ClaimRequest& claim,
                                         std::span<const ClaimedJob> jobs, TimePoint now);
  // When a lane that probably has more may be claimed from again. Nothing: not by time alone.
  std::optional<TimePoint> ClaimAgainAt(TimePoint now, int share) const;

  // Forgets lanes that were not used for a while and have nothing to remember.
  void Prune(TimePoint now);
  std::size_t size() const { return lanes_.size(); }

 private:
  SecretSource& secrets_;
  ProviderFinder find_provider_;
  std::unordered_map<std::string, std::unique_ptr<AccountState>> lanes_;
  std::vector<AccountState*> with_waiting_;
  TimePoint next_prune_{};
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
