#pragma once
// Base64, hexadecimal and URL encoding.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace switchboard::core {

std::string Base64Encode(std::string_view bytes);
// Standard alphabet; padding required. Nothing for anything else (white space included).
std::optional<std::string> Base64Decode(std::string_view text);
std::string Base64UrlEncode(std::string_view bytes);                // without padding
std::optional<std::string> Base64UrlDecode(std::string_view text);  // padding optional

std::string HexEncode(std::string_view bytes);  // lower case
std::optional<std::string> HexDecode(std::string_view text);

// %XX for everything but RFC 3986 unreserved characters.
std::string UrlEncode(std::string_view text);
// %XX and, when `plus_is_space`, '+'. A stray % stays as it is.
std::string UrlDecode(std::string_view text, bool plus_is_space);

using FormFields = std::vector<std::pair<std::string, std::string>>;

// application/x-www-form-urlencoded (and query strings): decoded, in order, repeats kept, empty
// values kept, empty pairs dropped.
FormFields ParseForm(std::string_view text);
std::string FormEncode(const FormFields& fields);

// {"name":"value"}, or {"name":["a","b"]} for a repeated name. Names in order of their bytes.
std::string FieldsToJson(const FormFields& fields);

// A form as JSON; nothing when it holds a NUL or bytes that are not UTF-8: no text of the database
// can hold these.
std::optional<std::string> FormToJson(std::string_view form);

// The part after '?' and before '#'; empty when there is none.
std::string_view QueryOf(std::string_view url);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
