#pragma once
// Phone numbers by libphonenumber. The library's headers are seen by phone.cpp only; its instance
// is made on first use (about 6 ms and 4 MB), after that a number costs some 10 to 20 microseconds.
// All texts are UTF-8; none of these functions crashes on any bytes. No thread is started.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace switchboard::core {

// E.164 of every possible number (right length for its country; the range need not be assigned).
// `raw` may be written nationally (then `region`, an ISO 3166-1 alpha-2 code in any case, says
// where), internationally, with an international prefix of the region (00, 011), in full-width or
// Arabic digits, as vanity letters, as tel: or sip: URI, as whatsapp:+… or as a WhatsApp JID of a
// person. An extension is dropped: E.164 cannot carry one. Throws SB001 naming `raw`; 22023 for a
// region that does not exist.
std::string NormalizePhone(std::string_view raw, std::optional<std::string_view> region);

// The same, nothing instead of SB001.
std::optional<std::string> TryNormalizePhone(std::string_view raw,
                                             std::optional<std::string_view> region);

// Whether the number's range is assigned. False for what is not a phone number at all.
bool PhoneIsValid(std::string_view phone);

// ISO 3166-1 alpha-2 region; nothing for non-geographic country codes and what is not a number.
std::optional<std::string> PhoneRegion(std::string_view phone);

// fixed_line, mobile, fixed_line_or_mobile, toll_free, premium_rate, shared_cost, voip,
// personal_number, pager, uan, voicemail, unknown.
std::string PhoneType(std::string_view phone);

// style: international, national, e164, rfc3966 (else 22023). Throws SB001.
std::string FormatPhone(std::string_view phone, std::string_view style);

// Candidate IANA zones of the number's prefix, sorted; none for non-geographic or unknown numbers.
std::vector<std::string> PhoneTimezones(std::string_view phone);

// ISO 3166-2 code of the state or province of a US or Canadian number, by its prefix; nothing for
// others.
std::optional<std::string> PhoneSubdivision(std::string_view phone);

// "+919876543210" -> "919876543210@s.whatsapp.net". Throws SB001.
std::string WhatsappJid(std::string_view phone);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
