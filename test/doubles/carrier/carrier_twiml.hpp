// The part of TwiML a simulated phone can follow.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace switchboard::carrier {

struct TwimlStep {
  enum class Verb { kSay, kPause, kKey, kDial, kRecord, kEnqueue, kLeave, kRedirect, kHangUp };
  Verb verb = Verb::kSay;
  std::string text{};    // what is said or played; where a Redirect leads; whom a Dial rings
  double seconds = 0;    // of a Pause; how long a Dial rings; how long a Record may be
  std::string action{};  // who is told how a Dial, Record, Enqueue or Gather went; empty: nobody
  std::string url{};  // what is heard in the queue; who is told that a Dial was picked up, or that
                      // a recording is ready
};

using TwimlScript = std::vector<TwimlStep>;

// Nothing when it is no TwiML. Ends with the first verb that leads elsewhere (Redirect, Hangup,
// Reject); what is nested in a Gather is said, and a key is pressed after it or never.
std::optional<TwimlScript> ParseTwiml(const std::string& xml);

}  // namespace switchboard::carrier
