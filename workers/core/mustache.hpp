#pragma once
// Mustache templates taken apart. (Rendering: template.hpp.)

#include <cstddef>
#include <string_view>
#include <vector>

namespace switchboard::core {

inline constexpr std::size_t kMaxSectionDepth = 64;

struct MustacheNode {
  enum class Kind { kText, kVariable, kSection, kInverted, kEnd };
  Kind kind;
  std::string_view text;  // the text itself, or the name
  std::size_t end = 0;    // of a section: index of its kEnd
};

// A flat list: the body of a section lies between it and its end. Comments and set delimiters leave
// nothing behind; a line that holds nothing but one tag other than a variable leaves no blank line.
// Views into `body`. Linear, no recursion. Throws 22023 for malformed templates and partials, 54000
// for sections nested too deep.
std::vector<MustacheNode> ParseMustache(std::string_view body);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
