#pragma once
// Exponential back-off with full jitter: uniform in [0, min(cap, base * 2^(attempt-1))].

#include <chrono>

#include "workers/core/random.hpp"

namespace switchboard::core {

// attempt counts from 1 (smaller counts as 1); base and cap >= 0. Never exceeds cap, never
// overflows.
std::chrono::milliseconds FullJitter(std::chrono::milliseconds base, std::chrono::milliseconds cap,
                                     int attempt, Random& random);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
