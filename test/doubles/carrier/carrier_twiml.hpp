// The part of TwiML a simulated phone can follow.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace switchboard::carrier {

struct TwimlStep {
  enum class Verb { kSay, kPause, kDial, kRedirect, kHangUp };
  Verb verb = Verb::kSay;
  std::string text;    // what is said or played; where a Redirect leads; whom a Dial rings
  double seconds = 0;  // of a Pause; how long a Dial rings
  std::string action;  // whom a Dial tells how it went; empty: nobody
};

using TwimlScript = std::vector<TwimlStep>;

// Nothing when it is no TwiML. Ends with the first verb that leads elsewhere (Redirect, Hangup,
// Reject); what is nested in a Gather is said, and nobody presses a key.
std::optional<TwimlScript> ParseTwiml(const std::string& xml);

}  // namespace switchboard::carrier
