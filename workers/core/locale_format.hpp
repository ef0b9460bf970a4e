#pragma once
// Amounts, dates and percentages as people of a country write them, by ICU.
//
// Blanks in the results are plain spaces: CLDR puts no-break spaces of several widths, other ones
// in every release, each of which would make an SMS one of 70 characters a part.
// Formatters are kept per thread, some 64 of each kind; one takes 20 to 100 us to make, using it
// about 1 us.

#include <string>
#include <string_view>

#include "workers/core/calling_hours.hpp"

namespace switchboard::core {

enum class Strictness {
  kStrict,   // 22023 naming a locale, currency or zone that does not exist
  kLenient,  // en-US, the code or no currency, UTC instead: for texts that are made in masses
};

enum class CurrencyStyle {
  kSign,  // $, with UTF-8 the sign of every currency
  kCode,  // USD, which every encoding has
};

// 849.99, USD, en-US: "$849.99". A locale is a BCP 47 tag (de-DE; de_DE will do), of which
// language, script and country count; a currency three letters of ISO 4217 in any case; the amount
// an exact decimal of at most 100 digits (else 22023). The decimals shown are those of the
// currency, rounded half away from zero. Lenient, an unknown currency is shown as its letters and
// an empty one not at all.
std::string FormatMoney(std::string_view amount, std::string_view currency, std::string_view locale,
                        Strictness strictness = Strictness::kStrict,
                        CurrencyStyle style = CurrencyStyle::kSign);

// "November 14, 2026": the day it is at `at` in the zone (an IANA name), in the locale's long form.
std::string FormatDate(Instant at, std::string_view timezone, std::string_view locale,
                       Strictness strictness = Strictness::kStrict);

// 12.5, de: "12,5 %"; at most two decimals.
std::string FormatPercent(std::string_view percent, std::string_view locale,
                          Strictness strictness = Strictness::kStrict);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
