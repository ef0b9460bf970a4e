// What the transport and the bare HTTP status say about a request, before any code of a provider
// is looked at; and the finish every result gets before it leaves a provider.
#pragma once

#include <string>
#include <string_view>

#include "workers/providers/provider.hpp"

namespace switchboard::providers {

enum class Effect {
  kWrite,  // creates something: a lost answer leaves a doubt
  kRead,   // may be repeated freely
};

// The outcome of a response whose body is of no help. A 2xx is kUnknown for a write (it was taken,
// but under no id we know) and kPermanent for a read.
Result DefaultOutcome(Effect effect, const HttpResponse& response, Instant now);

// Retry-After of the response; a date is measured from the response's own Date when it has one.
std::optional<std::chrono::milliseconds> RetryAfter(const HttpResponse& response, Instant now);

// The provider took it.
Result Taken(std::string provider_id, std::string response_json = {});

// A job or account that no request can be made of.
Result BadPayload(std::string error);
Result BadAccount(std::string error);

// Removes every secret of the account (plain, URL-encoded, and as Basic credentials
// `user`:secret) from the texts, makes them valid UTF-8 without control characters and bounds them.
Result Finish(Result result, const Account& account, std::string_view user = {});

}  // namespace switchboard::providers

#include "workers/core/no_server_header.hpp"
