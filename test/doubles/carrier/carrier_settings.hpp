// Everything that can be set on the simulated carrier, by its command line, by a file or by
// POST /control/config. All three speak the same JSON.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "workers/core/json.hpp"

namespace switchboard::carrier {

// What a number does when it is dialed, where it differs from the draw.
struct NumberRule {
  std::string outcome;  // empty: drawn
  std::optional<double> ring_s;
  std::optional<double> talk_s;
  std::string fault;  // misbehave like this whenever it is dialed
};

// Faults to happen next, before any is drawn: the next `count` requests of class `on`.
struct NextFault {
  std::string on;  // create, message, update, list, hook, sink or any
  std::string fault;
  int count = 1;
};

struct Settings {
  std::uint64_t seed = 1;
  double speed = 1;  // simulated seconds per second

  std::map<std::string, double> outcomes{
      {"answered", 55}, {"busy", 10}, {"no-answer", 20}, {"machine", 12}, {"failed", 3}};
  std::map<std::string, double> message_outcomes{{"delivered", 97}, {"undelivered", 3}};
  std::map<std::string, NumberRule> numbers;
  double ring_min_s = 2;  // uniform between the two
  double ring_max_s = 20;
  double talk_mean_s = 60;  // exponential, between 1 s and an hour
  double agent_ring_s = 2;  // how soon agents pick up
  double agent_deaf = 0;    // probability that one does not

  std::map<std::string, double> faults;  // fault -> probability
  std::deque<NextFault> next_faults;
  int slow_ms = 3000;
  int retry_after_s = 1;
  std::int64_t huge_bytes = 64 << 20;
  int answer_ms = 0;              // every answer of the API takes this long
  int sink_ms = 0;                // every answer of the sink
  int rate_limit = 0;             // calls and messages a second; 0: none
  int voipstudio_per_minute = 0;  // 0: none

  double repeat = 0;  // probability that a webhook is sent twice
  bool shuffle = false;
  int late_ms = 0;  // webhooks leave up to this much later

  std::map<std::string, std::string> accounts;  // Twilio sid -> token; empty: anybody
  std::string voipstudio_token;                 // empty: anybody
  std::string voipstudio_events;                // URL the call events go to; empty: none
  std::vector<std::string> offline_agents;
  std::string vonage_application;       // its id; empty: any
  std::string vonage_public_key;        // PEM, of the application; empty: tokens are not verified
  std::string vonage_signature_secret;  // webhooks are signed with it; empty: they are not
  std::string omnidimension_key;        // empty: anybody
  std::string omnidimension_webhook;    // URL told after each call; empty: none
  int omnidimension_zone_minutes = 0;   // time zone of what it tells, east of UTC
  int packages_status = 200;            // what /packages answers; nothing is called unless 2xx
  std::string packages_report;          // URL told of the calls of packages; empty: none
  std::string hook_secret;              // whsec_…; empty: signatures are not checked
  int hook_status = 200;
  std::string inbox_answer = "{}";  // what /inbox answers; sent as text/xml when it starts with "<"

  // Takes over the members of `changes`; throws core::Error 22023 on a name or value it does not
  // know and then changes nothing.
  void Apply(const core::JsonValue& changes);
};

}  // namespace switchboard::carrier
