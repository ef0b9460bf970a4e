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
  std::optional<std::chrono::seconds> delay;  // after the first try with this outcome
  double backoff = 1;                         // factor per further try with this outcome
  std::optional<int> max_tries;               // with this outcome; 0: never again after it
};

// How a person was tried so far. Tries whose outcome nobody noted count for whatever is asked.
struct Tries {
  int in_all = 0;
  int with_other_outcomes = 0;
};

// The provider's word that nobody can ever be reached at the number. No rule changes that.
inline constexpr std::string_view kBadNumber = "bad-number";

using RetryRules = std::unordered_map<std::string, RetryRule>;

// {"busy":{"delay":600,"backoff":2,"max_tries":5},…} with delay in seconds (>= 0), backoff >= 1,
// max_tries >= 0 (max_attempts is another word for it). Throws 22023 naming the value.
RetryRules ParseRetryRules(std::string_view json);

struct RetryPolicy {
  std::chrono::seconds retry_interval{3600};
  int max_attempts = 3;
  RetryRules rules;
  CallingHours hours = CallingHours::Always();
  std::string timezone = "UTC";

  // rules_json: "" or what ParseRetryRules takes. hours_json: "" for no restriction, else an
  // active_hours. Throws 22023 naming the value.
  static RetryPolicy Parse(std::chrono::seconds retry_interval, int max_attempts,
                           std::string_view rules_json, std::string_view hours_json,
                           std::string_view timezone);
};

// The wait before the next attempt never exceeds this, whatever the back-off.
inline constexpr std::chrono::hours kMaxRetryDelay{24 * 30};

// When to try again after `tries` (this one included) of which the last ended with `outcome` at
// `at`: the first instant inside the calling window not before at + delay * backoff^(n-1), n being
// the tries with this outcome. Nothing when they are used up (n has reached the rule's max_tries;
// without one, the tries in all have reached max_attempts) or no window opens within a year.
std::optional<Instant> NextAttemptAt(const RetryPolicy& policy, std::string_view outcome,
                                     Tries tries, Instant at);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
