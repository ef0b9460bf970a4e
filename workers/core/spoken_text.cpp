#include "workers/core/spoken_text.hpp"

#include <algorithm>

#include "workers/core/utf8.hpp"

namespace switchboard::core {

namespace {

bool IsControl(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029;
}

// Embeddings, overrides and isolates: a name that holds one without its end would turn around the
// sentence it is put into.
bool TurnsDirection(char32_t c) {
  return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

}  // namespace

std::string OneLine(std::string_view text) {
  if (IsPlain(text)) return std::string(text);
  std::string line;
  bool blank_due = false;
  while (!text.empty()) {
    const Utf8Char c = DecodeUtf8(text);
    const std::string_view bytes = c.valid ? text.substr(0, c.length) : "\xef\xbf\xbd";
    text.remove_prefix(c.length);
    if (c.valid && TurnsDirection(c.code_point)) continue;
    if (c.valid && IsControl(c.code_point)) {
      blank_due = !line.empty();
      continue;
    }
    if (blank_due) line.push_back(' ');
    blank_due = false;
    line.append(bytes);
  }
  return line;
}

}  // namespace switchboard::core
