// The part of TwiML a simulated phone can hear.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace switchboard::carrier {

struct TwimlScript {
  std::vector<std::string> said;    // Say texts and Play addresses, nested ones included
  std::vector<std::string> dialed;  // numbers, clients, conferences a Dial connects
  std::string redirect;             // address of the first Redirect
  bool hangs_up = false;            // Hangup or Reject, or nothing to do at all
};

// Nothing when it is no TwiML.
std::optional<TwimlScript> ParseTwiml(const std::string& xml);

}  // namespace switchboard::carrier
