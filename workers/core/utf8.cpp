#include "workers/core/utf8.hpp"

namespace switchboard::core {

namespace {

struct Lead {
  std::size_t length;
  char32_t bits;
  char32_t minimum;  // smaller values in so many bytes are overlong
};

Lead ClassifyLead(unsigned char c) noexcept {
  if (c < 0x80) return {1, c, 0};
  if ((c & 0xe0) == 0xc0) return {2, static_cast<char32_t>(c & 0x1f), 0x80};
  if ((c & 0xf0) == 0xe0) return {3, static_cast<char32_t>(c & 0x0f), 0x800};
  if ((c & 0xf8) == 0xf0) return {4, static_cast<char32_t>(c & 0x07), 0x10000};
  return {0, 0, 0};
}

}  // namespace

Utf8Char DecodeUtf8(std::string_view text) noexcept {
  const Utf8Char invalid;
  if (text.empty()) return invalid;
  const Lead lead = ClassifyLead(static_cast<unsigned char>(text[0]));
  if (lead.length == 0 || text.size() < lead.length) return invalid;
  char32_t value = lead.bits;
  for (std::size_t i = 1; i < lead.length; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c & 0xc0) != 0x80) return invalid;
    value = (value << 6) | (c & 0x3f);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < lead.minimum || value > 0x10ffff || surrogate) return invalid;
  return {value, lead.length, true};
}

bool IsValidUtf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const Utf8Char c = DecodeUtf8(text);
    if (!c.valid) return false;
    text.remove_prefix(c.length);
  }
  return true;
}

bool IsStorable(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos && IsValidUtf8(text);
}

std::string ValidUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const Utf8Char c = DecodeUtf8(text);
    valid.append(c.valid ? text.substr(0, c.length) : "\xef\xbf\xbd");
    text.remove_prefix(c.length);
  }
  return valid;
}

void AppendUtf8(char32_t c, std::string* out) {
  const auto byte = [out](char32_t value) { out->push_back(static_cast<char>(value)); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xc0 | (c >> 6));
    byte(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    byte(0xe0 | (c >> 12));
    byte(0x80 | ((c >> 6) & 0x3f));
    byte(0x80 | (c & 0x3f));
  } else {
    byte(0xf0 | (c >> 18));
    byte(0x80 | ((c >> 12) & 0x3f));
    byte(0x80 | ((c >> 6) & 0x3f));
    byte(0x80 | (c & 0x3f));
  }
}

}  // namespace switchboard::core
