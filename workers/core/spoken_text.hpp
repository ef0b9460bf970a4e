#pragma once
// Texts of strangers (names, companies) on their way into what is read out or read by a machine.

#include <string>
#include <string_view>

namespace switchboard::core {

// The text on one line: control characters and line separators, however many in a row, become one
// blank, none at the ends; marks that turn the direction of what follows them are left out. All
// else stays, letters of any script and emoji too. Invalid UTF-8 becomes U+FFFD.
std::string OneLine(std::string_view text);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
