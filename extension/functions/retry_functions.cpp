#include "workers/core/retry_policy.hpp"

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
#include "workers/core/uuid.hpp"

namespace switchboard {
namespace {

constinit pg::SqlStatement campaign_policy(
    "SELECT c.retry_interval::text, c.max_attempts::text, (c.settings -> 'retry_rules')::text,"
    " c.active_hours::text, coalesce(c.timezone, t.timezone)"
    " FROM switchboard.campaigns c JOIN switchboard.tenants t ON t.id = c.tenant_id"
    " WHERE c.id OPERATOR(pg_catalog.=) $1::uuid",
    1, pg::SqlAccess::kReadOnly);

core::RetryPolicy FetchPolicy(const core::Uuid& campaign) {
  const std::string id = core::FormatUuid(campaign);
  pg::SpiSession session;
  const std::array<pg::SqlValue, 1> parameters = {id};
  const std::vector<pg::SqlRow> rows = campaign_policy.Run(parameters);
  if (rows.empty()) {
    throw core::Error(core::sqlstate::kNoSuchRow, "no campaign " + core::Quoted(id));
  }
  const pg::SqlRow& row = rows[0];
  return core::RetryPolicy::Parse(std::chrono::seconds(std::stoll(row.at(0).value())),
                                  std::stoi(row.at(1).value()), row.at(2).value_or(""),
                                  row.at(3).value_or(""), row.at(4).value_or("UTC"));
}

// A promised call back is made however often the person was called before, and no later for it.
core::RetryPolicy WithoutLimit(core::RetryPolicy policy) {
  policy.max_attempts = INT_MAX;
  for (auto& [outcome, rule] : policy.rules) {
    rule.max_attempts.reset();
  }
  return policy;
}

// What a statement on campaign_contacts needs to know only once.
struct Schedule {
  int campaign_id = 0;
  int status = 0;
  int attempts = 0;
  int last_outcome = 0;
  int next_attempt_at = 0;
  std::map<std::uint32_t, std::string> labels;
  struct Policies {
    core::RetryPolicy failed;
    core::RetryPolicy callback;
  };
  std::map<core::Uuid, Policies> campaigns;

  void FindColumns(const pg::UpdateTrigger& trigger) {
    campaign_id = trigger.Column("campaign_id");
    attempts = trigger.Column("attempts");
    last_outcome = trigger.Column("last_outcome");
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

  const Policies& Of(const core::Uuid& campaign) {
    auto found = campaigns.find(campaign);
    if (found == campaigns.end()) {
      core::RetryPolicy policy = FetchPolicy(campaign);
      core::RetryPolicy callback = WithoutLimit(policy);
      found = campaigns.emplace(campaign, Policies{std::move(policy), std::move(callback)}).first;
    }
    return found->second;
  }
};

std::optional<core::Instant> NextAttempt(const pg::UpdateTrigger& trigger, Schedule& schedule,
                                         bool callback) {
  const Schedule::Policies& policies = schedule.Of(trigger.Uuid(schedule.campaign_id));
  if (callback) {
    return core::NextAttemptAt(policies.callback, "callback", 1, pg::TransactionTime());
  }
  return core::NextAttemptAt(policies.failed,
                             trigger.Text(schedule.last_outcome).value_or("failed"),
                             std::max(1, trigger.Int(schedule.attempts)), pg::TransactionTime());
}

}  // namespace

// next_attempt_at(campaign_id uuid, outcome text, attempts int, at timestamptz) -> timestamptz
SB_SQL_FUNCTION(sb_next_attempt_at) {
  const core::RetryPolicy policy = FetchPolicy(pg::ArgUuid(fcinfo, 0));
  return pg::ReturnOptTimestamp(
      fcinfo, core::NextAttemptAt(policy, pg::ArgText(fcinfo, 1), pg::ArgInt(fcinfo, 2),
                                  pg::ArgTimestamp(fcinfo, 3)));
}

// schedule_next_attempt() -> trigger
SB_SQL_FUNCTION(sb_schedule_next_attempt) {
  const pg::UpdateTrigger trigger(fcinfo);
  Schedule& schedule = pg::Cached<Schedule>(fcinfo);
  if (schedule.status == 0) {
    schedule.FindColumns(trigger);
  }
  if (!trigger.Changed(schedule.status)) {
    return trigger.Unchanged();
  }
  const std::string& status = schedule.Label(trigger.EnumOid(schedule.status));
  const bool callback = status == "callback";
  if (status != "failed" && !callback) {
    return trigger.Unchanged();
  }
  // A call back is promised for a time; only without one it is worked out.
  if (callback && trigger.Changed(schedule.next_attempt_at) &&
      !trigger.IsNull(schedule.next_attempt_at)) {
    return trigger.Unchanged();
  }
  return trigger.With(schedule.next_attempt_at, NextAttempt(trigger, schedule, callback));
}

}  // namespace switchboard
