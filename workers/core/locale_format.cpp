#include "workers/core/locale_format.hpp"

#include <unicode/calendar.h>
#include <unicode/currunit.h>
#include <unicode/datefmt.h>
#include <unicode/gregocal.h>
#include <unicode/locid.h>
#include <unicode/measunit.h>
#include <unicode/numberformatter.h>
#include <unicode/timezone.h>
#include <unicode/ucurr.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "workers/core/bounded_cache.hpp"
#include "workers/core/decimal.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/local_zone.hpp"

namespace switchboard::core {

namespace {

namespace number = icu::number;

constexpr char kDefaultLocale[] = "en_US";
constexpr std::size_t kMaxLocaleBytes = 64;
constexpr std::size_t kMaxDigits = 100;
constexpr std::size_t kMostFormatters = 64;
constexpr std::size_t kMostNames = 256;
// Before every date that the database knows: its calendar has no Julian days either.
constexpr double kLongAgo = -1e17;

using NumberFormat = number::LocalizedNumberFormatter;
using DateFormat = std::unique_ptr<icu::DateFormat>;

// ICU reports, it does not throw.
void CheckIcu(UErrorCode status, const char* what) {
  if (U_SUCCESS(status)) return;
  if (status == U_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
  throw Error(sqlstate::kInternal, std::string(what) + ": " + u_errorName(status));
}

// ICU's name of the locale that a tag means, as "en_US"; empty when there is none.
std::string FindLocaleName(std::string_view tag) {
  std::string name(tag);
  std::replace(name.begin(), name.end(), '_', '-');
  UErrorCode status = U_ZERO_ERROR;
  const icu::Locale locale = icu::Locale::forLanguageTag(name, status);
  // A tag can be well formed and yet name no language.
  if (U_FAILURE(status) || locale.isBogus() || *locale.getISO3Language() == '\0') return {};
  // Language, script and country. Extensions can name number systems that there are not (-u-nu-…),
  // and there are formatters without end when applications append their own (-x-…).
  std::string found = locale.getLanguage();
  for (const char* part : {locale.getScript(), locale.getCountry()}) {
    if (*part != '\0') found.append("_").append(part);
  }
  return found;
}

// Never destroyed: nothing of ours may run at exit of a backend.
template <class Value, std::size_t kMost, class Kind = Value>
BoundedCache<Value, kMost>& Cache() {
  static thread_local auto* const cache = new BoundedCache<Value, kMost>;
  return *cache;
}

// What is too long to be a tag is not kept either.
std::string LocaleName(std::string_view tag) {
  if (tag.size() > kMaxLocaleBytes) return {};
  return Cache<std::string, kMostNames>().Get(tag, [tag] { return FindLocaleName(tag); });
}

std::string RequireLocale(std::string_view tag, Strictness strictness) {
  std::string name = LocaleName(tag);
  if (!name.empty()) return name;
  if (strictness == Strictness::kLenient) return kDefaultLocale;
  throw BadArgument("unknown locale " + Quoted(tag), "It is a language tag such as en-US or pt.");
}

// Three capital letters, or nothing.
std::string CurrencyLetters(std::string_view currency) {
  std::string letters;
  for (const char c : currency) {
    const bool lower = c >= 'a' && c <= 'z';
    if (letters.size() == 3 || (!lower && (c < 'A' || c > 'Z'))) return {};
    letters.push_back(lower ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return letters.size() == 3 ? letters : std::string{};
}

std::u16string Widen(std::string_view ascii) { return {ascii.begin(), ascii.end()}; }

bool CurrencyExists(const std::string& letters) {
  return Cache<bool, kMostNames>().Get(
      letters, [&letters] { return ucurr_getNumericCode(Widen(letters).c_str()) != 0; });
}

std::string RequireCurrency(std::string_view currency, Strictness strictness) {
  std::string letters = CurrencyLetters(currency);
  if (strictness == Strictness::kLenient) return letters;
  if (!letters.empty() && CurrencyExists(letters)) return letters;
  throw BadArgument("unknown currency " + Quoted(currency),
                    "It is a code of ISO 4217 such as USD.");
}

void RequireAmount(std::string_view amount) {
  if (!IsDecimal(amount)) {
    throw BadArgument("amount " + Quoted(amount) + " cannot be written as money");
  }
  if (amount.size() > kMaxDigits) throw BadArgument("amount " + Quoted(amount) + " is too long");
}

bool IsWideBlank(char16_t c) { return c == 0x00A0 || c == 0x202F || (c >= 0x2000 && c <= 0x200A); }

std::string PlainText(const icu::UnicodeString& text) {
  icu::UnicodeString plain = text;
  for (int32_t i = 0; i < plain.length(); ++i) {
    if (IsWideBlank(plain[i])) plain.setCharAt(i, u' ');
  }
  std::string utf8;
  plain.toUTF8String(utf8);
  return utf8;
}

std::string FormatWith(const NumberFormat& format, std::string_view decimal) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::StringPiece digits(decimal.data(), static_cast<int32_t>(decimal.size()));
  const number::FormattedNumber formatted = format.formatDecimal(digits, status);
  const icu::UnicodeString text = formatted.toString(status);
  CheckIcu(status, "number cannot be formatted");
  return PlainText(text);
}

NumberFormat MakeMoneyFormat(const std::string& letters, const std::string& locale,
                             CurrencyStyle style) {
  const auto format = number::NumberFormatter::withLocale(icu::Locale(locale.c_str()))
                          .roundingMode(UNUM_ROUND_HALFUP);
  if (letters.empty()) return format.precision(number::Precision::fixedFraction(2));
  UErrorCode status = U_ZERO_ERROR;
  const icu::CurrencyUnit unit(icu::ConstChar16Ptr(Widen(letters).c_str()), status);
  CheckIcu(status, "currency cannot be used");
  return format.unit(unit).unitWidth(style == CurrencyStyle::kSign ? UNUM_UNIT_WIDTH_SHORT
                                                                   : UNUM_UNIT_WIDTH_ISO_CODE);
}

NumberFormat MakePercentFormat(const std::string& locale) {
  return number::NumberFormatter::withLocale(icu::Locale(locale.c_str()))
      .roundingMode(UNUM_ROUND_HALFUP)
      .unit(icu::MeasureUnit::getPercent())
      .precision(number::Precision::maxFraction(2));
}

// The calendar of the locale, counting local time as if it were UTC; Gregorian for all time.
void SetCalendar(icu::DateFormat* format) {
  UErrorCode status = U_ZERO_ERROR;
  format->setTimeZone(*icu::TimeZone::getGMT());
  if (std::strcmp(format->getCalendar()->getType(), "gregorian") != 0) return;
  auto* calendar = static_cast<icu::GregorianCalendar*>(format->getCalendar()->clone());
  if (calendar == nullptr) throw std::bad_alloc();
  calendar->setGregorianChange(kLongAgo, status);
  format->adoptCalendar(calendar);
  CheckIcu(status, "calendar cannot be used");
}

DateFormat MakeDateFormat(const std::string& locale) {
  DateFormat format(
      icu::DateFormat::createDateInstance(icu::DateFormat::kLong, icu::Locale(locale.c_str())));
  if (format == nullptr) throw std::bad_alloc();
  SetCalendar(format.get());
  return format;
}

const LocalZone* RequireZone(std::string_view timezone, Strictness strictness) {
  const LocalZone* zone = LocalZone::Find(timezone);
  if (zone == nullptr && strictness == Strictness::kStrict) {
    throw BadArgument("unknown time zone " + Quoted(timezone));
  }
  return zone != nullptr ? zone : LocalZone::Find("UTC");
}

// Keep formatters of the same type apart.
struct ForMoney {};
struct ForPercent {};

}  // namespace

std::string FormatMoney(std::string_view amount, std::string_view currency, std::string_view locale,
                        Strictness strictness, CurrencyStyle style) {
  RequireAmount(amount);
  const std::string name = RequireLocale(locale, strictness);
  const std::string letters = RequireCurrency(currency, strictness);
  const std::string key = letters + (style == CurrencyStyle::kSign ? "$" : "#") + name;
  const NumberFormat& format = Cache<NumberFormat, kMostFormatters, ForMoney>().Get(
      key, [&] { return MakeMoneyFormat(letters, name, style); });
  return FormatWith(format, amount);
}

std::string FormatPercent(std::string_view percent, std::string_view locale,
                          Strictness strictness) {
  RequireAmount(percent);
  const std::string name = RequireLocale(locale, strictness);
  const NumberFormat& format = Cache<NumberFormat, kMostFormatters, ForPercent>().Get(
      name, [&] { return MakePercentFormat(name); });
  return FormatWith(format, percent);
}

std::string FormatDate(Instant at, std::string_view timezone, std::string_view locale,
                       Strictness strictness) {
  const auto second = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  const std::int64_t local = second + RequireZone(timezone, strictness)->At(second).offset;
  const std::string name = RequireLocale(locale, strictness);
  const DateFormat& format =
      Cache<DateFormat, kMostFormatters>().Get(name, [&] { return MakeDateFormat(name); });
  icu::UnicodeString text;
  format->format(static_cast<UDate>(local) * 1000.0, text);
  return PlainText(text);
}

}  // namespace switchboard::core
