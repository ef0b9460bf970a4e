#pragma once
// Decimals as text, as the database writes them: no binary floating point touches money.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace switchboard::core {

// Hundredths of an amount such as "849.99", rounded half away from zero as the database does.
// Nothing for what is not digits with an optional sign and point (NaN and infinities among it) or
// has more than 16 digits before the point.
std::optional<std::int64_t> ParseCents(std::string_view decimal);

// "849.99", "-0.05".
std::string FormatCents(std::int64_t cents);

// Without the zeros at the end of its fraction: "15.00" becomes "15", "12.50" becomes "12.5".
std::string_view WithoutTrailingZeros(std::string_view decimal);

// Digits with an optional sign and point.
bool IsDecimal(std::string_view text);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
