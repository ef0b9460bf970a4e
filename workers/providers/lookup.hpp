// Settling a doubt: whether an entry of a provider's list is the one a job asked for.
//
// No provider keeps our reference where its lists show it, so an entry is matched by what the job
// asked for (numbers, direction, text) and by time: between a minute before "sending" was noted
// (clocks differ) and five minutes after it. Two equal orders within that window cannot be told
// apart; then the doubt is settled as placed, which never dials anybody twice.
#pragma once

#include <optional>

#include "workers/providers/provider.hpp"

namespace switchboard::providers {

// `at`: when the provider took the entry; nothing (not told yet) counts as inside.
bool InLookupWindow(const Job& job, std::optional<Instant> at);

// First instant of the window.
Instant LookupFrom(const Job& job, Instant now);

// Nothing matches in lists that were really read. Until the provider has had time to list the
// job (`settle_seconds` of the account's settings, else `settle_default`) that is no proof: kRetry.
Result NothingFound(const Job& job, const Account& account, Instant now,
                    std::chrono::seconds settle_default = std::chrono::seconds(10));

// A list that could not be read leaves the doubt as it is.
Result CouldNotAsk(Result result);

}  // namespace switchboard::providers

#include "workers/core/no_server_header.hpp"
