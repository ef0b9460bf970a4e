// The bytes of one member of a JSON object, as they stand in the text: a body that is passed on
// verbatim keeps its spelling of numbers, which a round trip through a document would change.
#pragma once

#include <optional>
#include <string_view>

namespace switchboard::providers {

// The value of the top-level member `key`; nothing when `json` is no valid object or has no such
// member. One pass, no document is built.
std::optional<std::string_view> SliceMember(std::string_view json, std::string_view key);

}  // namespace switchboard::providers

#include "workers/core/no_server_header.hpp"
