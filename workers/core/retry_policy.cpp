#include "workers/core/retry_policy.hpp"

#include <algorithm>
#include <cmath>

#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"

namespace switchboard::core {

namespace {

using std::chrono::seconds;

constexpr seconds kMaxDelay = kMaxRetryDelay;

Error Malformed(std::string_view outcome, std::string_view key, const JsonValue& value) {
  return BadArgument(
      "retry rule of " + Quoted(outcome) + ": bad " + std::string(key) + " " + QuotedValue(value),
      R"(Write {"busy":{"delay":600,"backoff":2,"max_tries":5}}: seconds >= 0, )"
      R"(a factor >= 1, a count >= 0.)");
}

RetryRule ParseRule(std::string_view outcome, const JsonValue& json) {
  if (!json.IsObject()) throw Malformed(outcome, "rule", json);
  RetryRule rule;
  for (const auto& member : json.GetObject()) {
    const std::string_view key = AsString(member.name);
    const JsonValue& value = member.value;
    if (key == "delay" && value.IsNumber() && value.GetDouble() >= 0) {
      const double most = static_cast<double>(kMaxDelay.count());
      rule.delay = seconds{static_cast<std::int64_t>(std::min(value.GetDouble(), most))};
    } else if (key == "backoff" && value.IsNumber() && value.GetDouble() >= 1) {
      rule.backoff = value.GetDouble();
    } else if ((key == "max_tries" || key == "max_attempts") && value.IsInt() &&
               value.GetInt() >= 0) {
      rule.max_tries = value.GetInt();
    } else {
      throw Malformed(outcome, key, value);
    }
  }
  return rule;
}

seconds DelayAfter(const RetryRule& rule, seconds retry_interval, int tries) {
  const double first = static_cast<double>(rule.delay.value_or(retry_interval).count());
  const double most = static_cast<double>(kMaxDelay.count());
  const double delay = first * std::pow(rule.backoff, std::max(tries, 1) - 1);
  // Not a number: 0 times infinity.
  return seconds{delay >= 0 ? static_cast<std::int64_t>(std::min(delay, most)) : 0};
}

}  // namespace

RetryRules ParseRetryRules(std::string_view text) {
  const Json json = ParseJson(text);
  if (!json.IsObject()) throw Malformed("*", "rules", json);
  RetryRules rules;
  for (const auto& member : json.GetObject()) {
    const std::string outcome(AsString(member.name));
    rules.emplace(outcome, ParseRule(outcome, member.value));
  }
  return rules;
}

RetryPolicy RetryPolicy::Parse(seconds retry_interval, int max_attempts,
                               std::string_view rules_json, std::string_view hours_json,
                               std::string_view timezone) {
  if (retry_interval < seconds{0}) {
    throw BadArgument("negative retry_interval " + std::to_string(retry_interval.count()));
  }
  RetryPolicy policy;
  policy.retry_interval = retry_interval;
  policy.max_attempts = max_attempts;
  if (!rules_json.empty()) policy.rules = ParseRetryRules(rules_json);
  if (!hours_json.empty()) policy.hours = CallingHours::Parse(hours_json);
  if (!TimezoneExists(timezone)) throw BadArgument("unknown time zone " + Quoted(timezone));
  policy.timezone = timezone;
  return policy;
}

std::optional<Instant> NextAttemptAt(const RetryPolicy& policy, std::string_view outcome,
                                     Tries tries, Instant at) {
  static const RetryRule* const kNoRule = new RetryRule;
  if (outcome == kBadNumber) return std::nullopt;
  const auto found = policy.rules.find(std::string(outcome));
  const RetryRule& rule = found == policy.rules.end() ? *kNoRule : found->second;
  const int with_outcome = std::max(1, tries.in_all - tries.with_other_outcomes);
  const bool used_up =
      rule.max_tries ? with_outcome >= *rule.max_tries : tries.in_all >= policy.max_attempts;
  if (used_up) return std::nullopt;
  return policy.hours.Next(at + DelayAfter(rule, policy.retry_interval, with_outcome),
                           policy.timezone);
}

}  // namespace switchboard::core
