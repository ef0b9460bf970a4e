#include <algorithm>
#include <array>
#include <climits>
#include <map>
#include <optional>
#include <string>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/function_cache.hpp"
#include "extension/pg/spi.hpp"
#include "extension/pg/trigger.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/retry_policy.hpp"
#include "workers/core/try_counts.hpp"
#include "workers/core/uuid.hpp"

namespace switchboard {
namespace {

constinit pg::SqlStatement campaign_policy(
    "SELECT c.retry_interval::text, c.max_attempts::text, (c.settings -> 'retry_rules')::text,"
    " c.active_hours::text, coalesce(c.timezone, t.timezone)"
    " FROM switchboard.campaigns c JOIN switchboard.tenants t ON t.id = c.tenant_id"
    " WHERE c.id OPERATOR(pg_catalog.=) $1::uuid",
    1, pg::SqlAccess::kReadOnly);

std::optional<core::RetryPolicy> FindPolicy(const core::Uuid& campaign) {
  const std::string id = core::FormatUuid(campaign);
  pg::SpiSession session;
  const std::array<pg::SqlValue, 1> parameters = {id};
  const std::vector<pg::SqlRow> rows = campaign_policy.Run(parameters);
  if (rows.empty()) {
    return std::nullopt;
  }
  const pg::SqlRow& row = rows[0];
  return core::RetryPolicy::Parse(std::chrono::seconds(std::stoll(row.at(0).value())),
                                  std::stoi(row.at(1).value()), row.at(2).value_or(""),
                                  row.at(3).value_or(""), row.at(4).value_or("UTC"));
}

core::Error NoCampaign(const core::Uuid& campaign) {
  return {core::sqlstate::kNoSuchRow, "no campaign " + core::Quoted(core::FormatUuid(campaign))};
}

// A promised call back is made however often the person was called before, and no later for it.
core::RetryPolicy WithoutLimit(core::RetryPolicy policy) {
  policy.max_attempts = INT_MAX;
  for (auto& [outcome, rule] : policy.rules) {
    rule.max_tries.reset();
  }
  return policy;
}

// What a statement on campaign_contacts needs to know only once.
struct Schedule {
  int campaign_id = 0;
  int status = 0;
  int attempts = 0;
  int recycled_attempts = 0;
  int last_outcome = 0;
  int tries = 0;
  int next_attempt_at = 0;
  std::map<std::uint32_t, std::string> labels;
  struct Policies {
    core::RetryPolicy failed;
    core::RetryPolicy callback;
  };
  std::map<core::Uuid, std::optional<Policies>> campaigns;

  void FindColumns(const pg::RowTrigger& trigger) {
    campaign_id = trigger.Column("campaign_id");
    attempts = trigger.Column("attempts");
    recycled_attempts = trigger.Column("recycled_attempts");
    last_outcome = trigger.Column("last_outcome");
    tries = trigger.Column("tries");
    next_attempt_at = trigger.Column("next_attempt_at");
    status = trigger.Column("status");
  }

  const std::string& Label(std::uint32_t oid) {
    auto found = labels.find(oid);
    if (found == labels.end()) {
      found = labels.emplace(oid, pg::EnumLabel(oid)).first;
    }
    return found->second;
  }

  const std::optional<Policies>& Of(const core::Uuid& campaign) {
    auto found = campaigns.find(campaign);
    if (found == campaigns.end()) {
      std::optional<Policies> policies;
      if (std::optional<core::RetryPolicy> policy = FindPolicy(campaign)) {
        core::RetryPolicy callback = WithoutLimit(*policy);
        policies = Policies{std::move(*policy), std::move(callback)};
      }
      found = campaigns.emplace(campaign, std::move(policies)).first;
    }
    return found->second;
  }
};

// What became of the person's last try, for the row as it is now and as it was.
class Outcome {
 public:
  Outcome(const pg::RowTrigger& trigger, Schedule& schedule)
      : status_(schedule.Label(trigger.EnumOid(schedule.status))),
        outcome_(trigger.Text(schedule.last_outcome).value_or(status_)) {
    if (trigger.IsInsert()) {
      return;
    }
    old_status_ = schedule.Label(trigger.OldEnumOid(schedule.status));
    old_outcome_ = trigger.OldText(schedule.last_outcome).value_or(old_status_);
    // The same try is judged again: its outcome is replaced, not added.
    judged_before_ = Waits(old_status_) && !trigger.Changed(schedule.attempts);
  }

  bool ToBeScheduled() const { return Waits(status_) && (status_ != old_status_ || Replaced()); }
  bool IsCallback() const { return status_ == "callback"; }
  // Only what the same try is called has changed.
  bool Renamed() const { return status_ == old_status_; }
  const std::string& name() const { return outcome_; }

  void Count(core::TryCounts& counts) const {
    if (judged_before_) {
      counts.Remove(old_outcome_);
    }
    counts.Add(outcome_);
  }

 private:
  static bool Waits(std::string_view status) { return status == "failed" || status == "callback"; }
  bool Replaced() const { return outcome_ != old_outcome_; }

  std::string status_;
  std::string outcome_;
  std::string old_status_;
  std::string old_outcome_;
  bool judged_before_ = false;
};

// A promised time stays, and so does what somebody decides along with a new name for the outcome.
bool KeepsTime(const pg::RowTrigger& trigger, const Schedule& schedule, const Outcome& outcome) {
  const bool given = trigger.IsInsert() ? !trigger.IsNull(schedule.next_attempt_at)
                                        : trigger.Changed(schedule.next_attempt_at);
  if (outcome.Renamed()) {
    return given || outcome.IsCallback();
  }
  return given && !trigger.IsNull(schedule.next_attempt_at) &&
         (outcome.IsCallback() || trigger.IsInsert());
}

std::optional<core::Instant> NextAttempt(const pg::RowTrigger& trigger, const Schedule& schedule,
                                         const Schedule::Policies& policies, const Outcome& outcome,
                                         const core::TryCounts& counts) {
  if (outcome.IsCallback()) {
    return core::NextAttemptAt(policies.callback, "callback", {.in_all = 1}, pg::TransactionTime());
  }
  const int in_all = trigger.Int(schedule.attempts) - trigger.Int(schedule.recycled_attempts);
  return core::NextAttemptAt(policies.failed, outcome.name(),
                             {.in_all = std::max(1, in_all),
                              .with_other_outcomes = counts.WithOtherOutcomes(outcome.name())},
                             pg::TransactionTime());
}

}  // namespace

// next_attempt_at(campaign_id uuid, outcome text, attempts int, at timestamptz) -> timestamptz
SB_SQL_FUNCTION(sb_next_attempt_at) {
  const core::Uuid campaign = pg::ArgUuid(fcinfo, 0);
  const std::optional<core::RetryPolicy> policy = FindPolicy(campaign);
  if (!policy) {
    throw NoCampaign(campaign);
  }
  return pg::ReturnOptTimestamp(
      fcinfo, core::NextAttemptAt(*policy, pg::ArgText(fcinfo, 1),
                                  {.in_all = pg::ArgInt(fcinfo, 2)}, pg::ArgTimestamp(fcinfo, 3)));
}

// _check_retry_rules(rules jsonb) -> void
SB_SQL_FUNCTION(sb_check_retry_rules) {
  core::ParseRetryRules(pg::ArgJson(fcinfo, 0));
  return pg::ReturnVoid();
}

// schedule_next_attempt() -> trigger
SB_SQL_FUNCTION(sb_schedule_next_attempt) {
  const pg::RowTrigger trigger(fcinfo, pg::TriggerEvents::kInsertOrUpdate);
  Schedule& schedule = pg::Cached<Schedule>(fcinfo);
  if (schedule.status == 0) {
    schedule.FindColumns(trigger);
  }
  const Outcome outcome(trigger, schedule);
  if (!outcome.ToBeScheduled()) {
    return trigger.Unchanged();
  }
  const core::Uuid campaign = trigger.Uuid(schedule.campaign_id);
  const std::optional<Schedule::Policies>& policies = schedule.Of(campaign);
  if (!policies) {
    if (!trigger.IsInsert()) {
      throw NoCampaign(campaign);
    }
    return trigger.Unchanged();  // the foreign key refuses the row, in its own words
  }
  core::TryCounts counts = core::TryCounts::Parse(trigger.Json(schedule.tries));
  outcome.Count(counts);
  const std::array values = {
      pg::JsonbColumn(schedule.tries, counts.ToJson()),
      pg::TimestampColumn(schedule.next_attempt_at,
                          NextAttempt(trigger, schedule, *policies, outcome, counts))};
  return trigger.With(std::span(values).first(KeepsTime(trigger, schedule, outcome) ? 1 : 2));
}

}  // namespace switchboard
