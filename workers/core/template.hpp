#pragma once
// Mustache templates.

#include <string>
#include <string_view>

namespace switchboard::core {

// Renders `body` with the JSON object `vars_json`. Variables, {{{x}}} and {{&x}} (never
// HTML-escaped, all the same), sections, inverted sections, comments, set delimiters, dotted names,
// {{.}}. No partials, no lambdas; a value is never read as template. Numbers print as they are
// written in the JSON, booleans as true and false, null as nothing; arrays and objects as compact
// JSON. A section is skipped when its variable is absent, null, false or an empty array.
//
// Throws SB012 when an interpolated variable is absent; 22023 for a malformed template or
// variables; 54000 when the output exceeds 1 MB or sections nest deeper than 64.
std::string RenderTemplate(std::string_view body, std::string_view vars_json);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
