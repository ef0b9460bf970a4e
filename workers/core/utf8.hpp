#pragma once
// Decoding and checking UTF-8, strictly: no overlong forms, surrogates or values over U+10FFFF.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace switchboard::core {

struct Utf8Char {
  char32_t code_point = 0;
  std::size_t length = 1;  // bytes to advance; 1 when invalid
  bool valid = false;
};

// The first character of a text that is not empty.
Utf8Char DecodeUtf8(std::string_view text) noexcept;

bool IsValidUtf8(std::string_view text) noexcept;

// Valid UTF-8 without a NUL: what a text of the database can hold.
bool IsStorable(std::string_view text) noexcept;

// The text with U+FFFD for every byte that is not UTF-8.
std::string ValidUtf8(std::string_view text);

void AppendUtf8(char32_t code_point, std::string* out);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
