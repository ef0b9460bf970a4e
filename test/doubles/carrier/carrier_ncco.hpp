// The part of NCCO (Vonage's call control) a simulated phone can follow.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace switchboard::carrier {

struct NccoAction {
  std::string action;            // talk, stream, connect, record, wait, notify, input, conversation
  std::string text;              // talk: what is said; stream: address of the audio
  std::string address;           // connect: number, uri or user
  std::string event_url;         // where the events of the action go
  double timeout_s = 0;          // connect, wait, input, record (0: the whole call)
  bool synchronous = false;      // connect: a failure may be answered with another script
  std::string payload = "null";  // notify: JSON
};

using NccoScript = std::vector<NccoAction>;

// Nothing when it is no list of known actions, or empty.
std::optional<NccoScript> ParseNcco(std::string_view json);

}  // namespace switchboard::carrier
