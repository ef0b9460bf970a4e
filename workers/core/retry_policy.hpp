#pragma once
// When a campaign tries a contact again.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "workers/core/calling_hours.hpp"

namespace switchboard::core {

// One rule, per outcome of a call (busy, no-answer, failed, voicemail, …). What a rule leaves out
// comes from the campaign.
struct RetryRule {
  std::optional<std::chrono::seconds> delay;  // before the second attempt
  double backoff = 1;                         // factor per further attempt
  std::optional<int> max_attempts;            // 0: never again after this outcome
};

struct RetryPolicy {
  std::chrono::seconds retry_interval{3600};
  int max_attempts = 3;
  std::unordered_map<std::string, RetryRule> rules;
  CallingHours hours = CallingHours::Always();
  std::string timezone = "UTC";

  // rules_json: "" or {"busy":{"delay":600,"backoff":2,"max_attempts":5},…} with delay in seconds
  // (>= 0), backoff >= 1, max_attempts >= 0. hours_json: "" for no restriction, else an
  // active_hours. Throws 22023 naming the value.
  static RetryPolicy Parse(std::chrono::seconds retry_interval, int max_attempts,
                           std::string_view rules_json, std::string_view hours_json,
                           std::string_view timezone);
};

// The wait before the next attempt never exceeds this, whatever the back-off.
inline constexpr std::chrono::hours kMaxRetryDelay{24 * 30};

// When to try again after `attempts` attempts (>= 1) of which the last ended with `outcome` at
// `at`: the first instant inside the calling window not before at + delay * backoff^(attempts-1).
// Nothing when the attempts are used up or no window opens within a year.
std::optional<Instant> NextAttemptAt(const RetryPolicy& policy, std::string_view outcome,
                                     int attempts, Instant at);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
