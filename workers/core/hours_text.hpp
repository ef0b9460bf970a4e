#pragma once
// Hours of the day as callers read them: "2:00 PM - 4:00 PM EST".

#include <chrono>
#include <string>
#include <string_view>

#include "workers/core/calling_hours.hpp"

namespace switchboard::core {

// The hours from `opens` to `closes` (since midnight, at most 24 h) by the wall clock of a zone,
// with what people there call the time when they open on the local day of `at`: EST in winter, EDT
// in summer, UTC-3 where it has no name. ASCII, in English, as call systems expect it. Throws 22023
// for an unknown zone. About 1 us.
std::string HoursText(std::chrono::microseconds opens, std::chrono::microseconds closes,
                      std::string_view timezone, Instant at);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
