#include "workers/core/phone.hpp"

#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <list>
#include <set>
#include <utility>

#include "workers/core/encoding.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/phone_subdivisions.hpp"
#include "workers/core/phone_zones.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard::core {

namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

// libphonenumber's own limit on what it parses.
constexpr std::size_t kMaxBytes = 250;
// Its spelling of "no region".
constexpr char kNoRegion[] = "ZZ";

const PhoneNumberUtil& Library() { return *PhoneNumberUtil::GetInstance(); }

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

bool IsAsciiDigit(char c) { return c >= '0' && c <= '9'; }

bool AllDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsAsciiDigit);
}

bool StripPrefix(std::string_view* text, std::string_view lower_prefix) {
  if (text->size() < lower_prefix.size()) return false;
  for (std::size_t i = 0; i < lower_prefix.size(); ++i) {
    if (Lower((*text)[i]) != lower_prefix[i]) return false;
  }
  text->remove_prefix(lower_prefix.size());
  return true;
}

// White space, no-break and zero-width characters, byte order and direction marks: what
// spreadsheets and address books put around a number.
bool IsInvisible(char32_t c) {
  return c <= 0x20 || c == 0xa0 || (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
         (c >= 0x2060 && c <= 0x2069) || c == 0x3000 || c == 0xfeff;
}

std::string_view Trim(std::string_view text) {
  std::size_t begin = text.size();
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = DecodeUtf8(text.substr(at));
    if (!IsInvisible(c.code_point)) {
      begin = std::min(begin, at);
      end = at + c.length;
    }
    at += c.length;
  }
  return begin < end ? text.substr(begin, end - begin) : std::string_view{};
}

// The zeros of the decimal digits of the scripts in use (Arabic, Persian, Indian, Thai, full-width,
// …).
constexpr std::array<char32_t, 19> kZeros = {0x660, 0x6f0,  0x7c0,  0x966,  0x9e6, 0xa66, 0xae6,
                                             0xb66, 0xbe6,  0xc66,  0xce6,  0xd66, 0xe50, 0xed0,
                                             0xf20, 0x1040, 0x17e0, 0x1810, 0xff10};

bool IsForeignDigit(char32_t c) {
  return std::any_of(kZeros.begin(), kZeros.end(),
                     [c](char32_t zero) { return c >= zero && c < zero + 10; });
}

// libphonenumber searches for a number in any text ("room 12, 4155550100"); we take numbers only.
// So the first character must be one that a number can begin with.
bool BeginsLikeNumber(std::string_view text) {
  if (text.empty()) return false;
  const char32_t c = DecodeUtf8(text).code_point;
  if (c < 0x80) return (c >= '0' && c <= '9') || c == '+' || c == '(' || c == '[';
  const bool full_width_sign = c == 0xff0b || c == 0xff08;  // plus, parenthesis
  return full_width_sign || IsForeignDigit(c);
}

// "user[_agent][:device]@server" of WhatsApp; only the two servers of persons have numbers.
std::optional<std::string> NumberOfJid(std::string_view text, std::size_t at_sign) {
  std::string_view server = text.substr(at_sign + 1);
  std::string_view user = text.substr(0, at_sign);
  if (server != "s.whatsapp.net" && server != "c.us") return std::nullopt;
  user = user.substr(0, user.find(':'));
  user = user.substr(0, user.find('_'));
  if (!AllDigits(user)) return std::nullopt;
  return "+" + std::string(user);
}

// The user part of a SIP URI, without password and parameters.
std::optional<std::string> NumberOfSipUri(std::string_view rest) {
  const std::size_t at_sign = rest.find('@');
  if (at_sign == std::string_view::npos) return std::nullopt;
  std::string_view user = rest.substr(0, at_sign);
  user = user.substr(0, user.find_first_of(":;"));
  return UrlDecode(user, false);
}

// The part of `raw` that libphonenumber may read; nothing when it is no number for sure.
std::optional<std::string> NumberText(std::string_view raw) {
  if (raw.size() > kMaxBytes || !IsValidUtf8(raw)) return std::nullopt;
  if (raw.find('\0') != std::string_view::npos) return std::nullopt;
  std::string_view text = Trim(raw);
  if (StripPrefix(&text, "sip:") || StripPrefix(&text, "sips:")) {
    auto user = NumberOfSipUri(text);
    if (!user || !IsValidUtf8(*user) || !BeginsLikeNumber(*user)) return std::nullopt;
    return user;
  }
  if (StripPrefix(&text, "tel:")) {
    text = Trim(text);
    if (!BeginsLikeNumber(text)) return std::nullopt;
    return "tel:" + std::string(text);
  }
  if (StripPrefix(&text, "whatsapp:")) {
    text = Trim(text);
    if (AllDigits(text)) return "+" + std::string(text);
  }
  const std::size_t at_sign = text.find('@');
  if (at_sign != std::string_view::npos) return NumberOfJid(text, at_sign);
  if (!BeginsLikeNumber(text)) return std::nullopt;
  return std::string(text);
}

std::string CheckedRegion(std::optional<std::string_view> region) {
  if (!region || region->empty()) return kNoRegion;
  static const auto* const known = [] {
    auto* regions = new std::set<std::string>;
    Library().GetSupportedRegions(regions);
    return regions;
  }();
  std::string code = Upper(*region);
  if (known->count(code) == 0) {
    throw BadArgument("unknown region " + Quoted(*region),
                      "Regions are ISO 3166-1 codes of two letters, such as US or GB.");
  }
  return code;
}

std::string Formatted(const PhoneNumber& number, PhoneNumberUtil::PhoneNumberFormat format) {
  std::string out;
  Library().Format(number, format, &out);
  return out;
}

std::string E164(const PhoneNumber& number) { return Formatted(number, PhoneNumberUtil::E164); }

// "+1 (415) 555-0100" is "+14155550100".
std::string WithoutPunctuation(const std::string& text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return IsAsciiDigit(c) || c == '+'; });
  return out;
}

// Whether the number's E.164 form means the number itself. It does not where a second trunk prefix
// is left over: 004117494 in Nigeria would be +23404117494, which reads as +2344117494. Nobody
// knows what was meant.
bool IsStable(const std::string& text, const PhoneNumber& number) {
  const std::string e164 = E164(number);
  if (WithoutPunctuation(text) == e164) return true;
  PhoneNumber again;
  return Library().Parse(e164, kNoRegion, &again) == PhoneNumberUtil::NO_PARSING_ERROR &&
         E164(again) == e164;
}

PhoneNumberUtil::ValidationResult Possible(const std::string& text, const std::string& region,
                                           PhoneNumber* number) {
  switch (Library().Parse(text, region, number)) {
    case PhoneNumberUtil::NO_PARSING_ERROR:
      return IsStable(text, *number) ? Library().IsPossibleNumberWithReason(*number)
                                     : PhoneNumberUtil::INVALID_LENGTH;
    case PhoneNumberUtil::TOO_SHORT_NSN:
    case PhoneNumberUtil::TOO_SHORT_AFTER_IDD:
      return PhoneNumberUtil::TOO_SHORT;
    case PhoneNumberUtil::TOO_LONG_NSN:
      return PhoneNumberUtil::TOO_LONG;
    case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR:
      return PhoneNumberUtil::INVALID_COUNTRY_CODE;
    default:
      return PhoneNumberUtil::INVALID_LENGTH;
  }
}

// 00 is how most of the world dials abroad: where it means nothing in the region, it stands for the
// plus.
std::optional<std::string> WithoutDoubleZero(const std::string& text) {
  if (text.size() < 3 || text.compare(0, 2, "00") != 0) return std::nullopt;
  return "+" + text.substr(2);
}

PhoneNumberUtil::ValidationResult ParsePossible(std::string_view raw, const std::string& region,
                                                PhoneNumber* number) {
  const auto text = NumberText(raw);
  if (!text) return PhoneNumberUtil::INVALID_LENGTH;
  const auto result = Possible(*text, region, number);
  if (result == PhoneNumberUtil::IS_POSSIBLE) return result;
  const auto abroad = WithoutDoubleZero(*text);
  if (!abroad) return result;
  return Possible(*abroad, kNoRegion, number);
}

// Anything that can be read as an international number, possible or not.
std::optional<PhoneNumber> ParseInternational(std::string_view phone) {
  PhoneNumber number;
  if (ParsePossible(phone, kNoRegion, &number) != PhoneNumberUtil::IS_POSSIBLE) return std::nullopt;
  return number;
}

std::string HintFor(PhoneNumberUtil::ValidationResult result, const std::string& region) {
  if (region == kNoRegion) {
    return "Write it internationally, with a leading + and the country code, or say its region.";
  }
  switch (result) {
    case PhoneNumberUtil::IS_POSSIBLE_LOCAL_ONLY:
      return "Include the area code: in region " + region + " this is a local form only.";
    case PhoneNumberUtil::TOO_SHORT:
      return "It is too short for region " + region + ".";
    case PhoneNumberUtil::TOO_LONG:
      return "It is too long for region " + region +
             "; numbers of other regions need a leading + and the country code.";
    case PhoneNumberUtil::INVALID_COUNTRY_CODE:
      return "There is no such country code.";
    default:
      return "It was read as a number of region " + region +
             "; numbers of other regions need a leading + and the country code.";
  }
}

struct TypeName {
  PhoneNumberUtil::PhoneNumberType type;
  std::string_view name;
};

constexpr std::array<TypeName, 12> kTypeNames = {{
    {PhoneNumberUtil::FIXED_LINE, "fixed_line"},
    {PhoneNumberUtil::MOBILE, "mobile"},
    {PhoneNumberUtil::FIXED_LINE_OR_MOBILE, "fixed_line_or_mobile"},
    {PhoneNumberUtil::TOLL_FREE, "toll_free"},
    {PhoneNumberUtil::PREMIUM_RATE, "premium_rate"},
    {PhoneNumberUtil::SHARED_COST, "shared_cost"},
    {PhoneNumberUtil::VOIP, "voip"},
    {PhoneNumberUtil::PERSONAL_NUMBER, "personal_number"},
    {PhoneNumberUtil::PAGER, "pager"},
    {PhoneNumberUtil::UAN, "uan"},
    {PhoneNumberUtil::VOICEMAIL, "voicemail"},
    {PhoneNumberUtil::UNKNOWN, "unknown"},
}};

struct StyleName {
  std::string_view name;
  PhoneNumberUtil::PhoneNumberFormat format;
};

constexpr std::array<StyleName, 4> kStyles = {{
    {"international", PhoneNumberUtil::INTERNATIONAL},
    {"national", PhoneNumberUtil::NATIONAL},
    {"e164", PhoneNumberUtil::E164},
    {"rfc3966", PhoneNumberUtil::RFC3966},
}};

// A service (toll-free, premium rate, …) or an unassigned range lies nowhere: its prefix would only
// name the whole country, for +1 from Guam to Newfoundland.
bool LiesSomewhere(PhoneNumberUtil::PhoneNumberType type) {
  return type == PhoneNumberUtil::FIXED_LINE || type == PhoneNumberUtil::MOBILE ||
         type == PhoneNumberUtil::FIXED_LINE_OR_MOBILE || type == PhoneNumberUtil::VOIP;
}

// Whether it is +1 and ten digits with the area code of one state or province: what libphonenumber
// would say of it is known without asking.
bool IsWholeNumberOfKnownArea(std::string_view phone) {
  return phone.size() == 12 && phone.front() == '+' &&
         std::all_of(phone.begin() + 1, phone.end(), IsAsciiDigit) &&
         !SubdivisionOfAreaCode(phone.substr(1)).empty();
}

// An unassigned range of a country code that only one region uses is still there; of a shared one
// (+1) nobody knows.
std::string OnlyRegionOf(int country_code) {
  std::list<std::string> regions;
  Library().GetRegionCodesForCountryCallingCode(country_code, &regions);
  return regions.size() == 1 ? regions.front() : kNoRegion;
}

}  // namespace

std::string NormalizePhone(std::string_view raw, std::optional<std::string_view> region) {
  const std::string checked = CheckedRegion(region);
  PhoneNumber number;
  const auto result = ParsePossible(raw, checked, &number);
  if (result != PhoneNumberUtil::IS_POSSIBLE) throw BadPhone(raw, HintFor(result, checked));
  return E164(number);
}

std::optional<std::string> TryNormalizePhone(std::string_view raw,
                                             std::optional<std::string_view> region) {
  PhoneNumber number;
  if (ParsePossible(raw, CheckedRegion(region), &number) != PhoneNumberUtil::IS_POSSIBLE) {
    return std::nullopt;
  }
  return E164(number);
}

bool PhoneIsValid(std::string_view phone) {
  const auto number = ParseInternational(phone);
  return number && Library().IsValidNumber(*number);
}

std::optional<std::string> PhoneRegion(std::string_view phone) {
  if (IsWholeNumberOfKnownArea(phone)) {
    return std::string(SubdivisionOfAreaCode(phone.substr(1)).substr(0, 2));
  }
  const auto number = ParseInternational(phone);
  if (!number) return std::nullopt;
  std::string region;
  Library().GetRegionCodeForNumber(*number, &region);
  if (region == kNoRegion) region = OnlyRegionOf(number->country_code());
  const bool geographic = region.size() == 2 && region != kNoRegion;
  return geographic ? std::optional(region) : std::nullopt;
}

std::string PhoneType(std::string_view phone) {
  const auto number = ParseInternational(phone);
  const auto type = number ? Library().GetNumberType(*number) : PhoneNumberUtil::UNKNOWN;
  for (const TypeName& entry : kTypeNames) {
    if (entry.type == type) return std::string(entry.name);
  }
  return "unknown";
}

std::string FormatPhone(std::string_view phone, std::string_view style) {
  const auto* const entry = std::find_if(kStyles.begin(), kStyles.end(),
                                         [style](const StyleName& s) { return s.name == style; });
  if (entry == kStyles.end()) {
    throw BadArgument("unknown phone style " + Quoted(style),
                      "Styles are international, national, e164 and rfc3966.");
  }
  const auto number = ParseInternational(phone);
  if (!number) throw BadPhone(phone, HintFor(PhoneNumberUtil::INVALID_LENGTH, kNoRegion));
  return Formatted(*number, entry->format);
}

std::vector<std::string> PhoneTimezones(std::string_view phone) {
  // An area code of one state or province is a place, whether or not the rest of it is assigned.
  if (IsWholeNumberOfKnownArea(phone)) {
    const auto zones = ZonesOfPrefix(phone.substr(1));
    return {zones.begin(), zones.end()};
  }
  const auto number = ParseInternational(phone);
  if (!number) return {};
  const auto type = Library().GetNumberType(*number);
  if (!LiesSomewhere(type)) return {};
  const bool geographic = Library().IsNumberGeographical(type, number->country_code());
  const std::string digits =
      geographic ? E164(*number).substr(1) : std::to_string(number->country_code());
  const auto zones = ZonesOfPrefix(digits);
  return {zones.begin(), zones.end()};
}

std::optional<std::string> PhoneSubdivision(std::string_view phone) {
  const auto number = ParseInternational(phone);
  if (!number) return std::nullopt;
  const std::string_view code = SubdivisionOfPrefix(E164(*number).substr(1));
  return code.empty() ? std::nullopt : std::optional<std::string>(code);
}

std::string WhatsappJid(std::string_view phone) {
  return NormalizePhone(phone, std::nullopt).substr(1) + "@s.whatsapp.net";
}

}  // namespace switchboard::core
