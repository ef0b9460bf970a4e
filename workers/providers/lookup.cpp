#include "workers/providers/lookup.hpp"

#include "workers/core/json.hpp"

namespace switchboard::providers {
namespace {

constexpr std::chrono::seconds kBefore{60};
constexpr std::chrono::minutes kAfter{5};

std::chrono::seconds SettleTime(const Account& account, std::chrono::seconds settle_default) {
  const std::optional<core::Json> settings = core::TryParseJson(account.settings);
  const std::optional<std::int64_t> set =
      settings ? core::FindInt(*settings, "settle_seconds") : std::nullopt;
  return set ? std::chrono::seconds(*set) : settle_default;
}

}  // namespace

bool InLookupWindow(const Job& job, std::optional<Instant> at) {
  if (!at || !job.sending_at) return true;
  return *at >= *job.sending_at - kBefore && *at <= *job.sending_at + kAfter;
}

Instant LookupFrom(const Job& job, Instant now) { return job.sending_at.value_or(now) - kBefore; }

Result NothingFound(const Job& job, const Account& account, Instant now,
                    std::chrono::seconds settle_default) {
  Result result;
  const std::chrono::seconds settle = SettleTime(account, settle_default);
  if (job.sending_at && now < *job.sending_at + settle) {
    result.outcome = Outcome::kRetry;
    result.code = "too_early";
    result.error = "not in the provider's list yet";
    result.retry_after =
        std::chrono::ceil<std::chrono::milliseconds>(*job.sending_at + settle - now);
    return result;
  }
  result.outcome = Outcome::kAbsent;
  result.code = "absent";
  result.error = "the provider's list does not hold it";
  return result;
}

Result CouldNotAsk(Result result) {
  result.outcome = Outcome::kRetry;
  return result;
}

}  // namespace switchboard::providers
