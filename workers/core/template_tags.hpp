#pragma once
// What kainjow-mustache needs to be told about a template: what stands in it, by number.
// (Rendering: template.hpp.)

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace switchboard::core {

inline constexpr std::size_t kMaxSectionDepth = 64;

struct TemplatePiece {
  enum class Kind { kText, kVariable, kSection };
  Kind kind;
  std::string_view text;  // the text itself, or the name
};

// `skeleton` is the template with every text and name replaced by the number of its piece:
// "Hi {{name}}{{#vip}}!{{/vip}}" becomes {{&0}}{{&1}}{{#2}}{{&3}}{{/2}}.
struct TemplateTags {
  std::vector<TemplatePiece> pieces;
  std::string skeleton;
};

// Comments and set delimiters leave nothing behind; a line that holds nothing but one tag other
// than a variable leaves no blank line. The skeleton is always valid and made of ASCII. Views into
// `body`. Linear, no recursion. Throws 22023 for malformed templates and partials, 54000 for
// sections nested deeper than kMaxSectionDepth and for too many tags (some
// 100,000, texts between them counted too).
TemplateTags ScanTemplate(std::string_view body);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
