#pragma once
// How a text is sent by SMS: in what encoding and in how many parts.

#include <string_view>

namespace switchboard::core {

struct SmsCount {
  const char* encoding = "GSM-7";  // or "UCS-2"
  int segments = 1;                // parts billed; an empty text is one
  int units = 0;                   // septets, or UTF-16 code units
};

// `body` is UTF-8 (else 22023). Counted greedily: neither an escaped GSM character nor a grapheme
// (an emoji sequence, a flag) is split across parts. Linear in the text.
SmsCount SmsSegments(std::string_view body);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
