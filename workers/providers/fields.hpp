// Reading what requests are made of: the account, the payload, the settings.
#pragma once

#include <string>
#include <string_view>

#include "workers/core/json.hpp"
#include "workers/providers/provider.hpp"

namespace switchboard::providers {

// The account's base_url, else the provider's own, without trailing slashes.
std::string BaseUrl(const Account& account, std::string_view provider_default);

// The secret of that name, empty when there is none.
std::string_view Secret(const Account& account, std::string_view name);

// An E.164 number without its plus, as several providers write it.
std::string Digits(std::string_view number);

// A member of the payload or settings as text: a string as it is, a number in digits, else empty.
std::string Text(const core::JsonValue& object, std::string_view key);

}  // namespace switchboard::providers

#include "workers/core/no_server_header.hpp"
