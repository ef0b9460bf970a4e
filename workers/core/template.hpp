#pragma once
// Mustache templates.

#include <memory>
#include <string>
#include <string_view>

namespace switchboard::core {

// Renders `body` with the JSON object `vars_json`. Variables, {{{x}}} and {{&x}} (never
// HTML-escaped, all the same), sections, inverted sections, comments, set delimiters, dotted names,
// {{.}}. No partials, no lambdas; a value is never read as template. Numbers print exactly as they
// are written in the JSON, booleans as true and false, null as nothing. A section is skipped when
// its variable is absent, null, false, an empty text or an empty array.
//
// Throws SB012 when an interpolated variable is absent; 22023 for a malformed template or
// variables, and for interpolating an array or object; 54000 when template or output exceed 1 MB,
// sections nest deeper than 64 levels, there are some 100,000 tags (texts between them counted too)
// or the work exceeds five million steps. 8 us for 50 words with four variables.
std::string RenderTemplate(std::string_view body, std::string_view vars_json);

// A template that is rendered many times: parsed once.
class Template {
 public:
  explicit Template(std::string_view body);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  std::string Render(std::string_view vars_json) const;

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
};

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
