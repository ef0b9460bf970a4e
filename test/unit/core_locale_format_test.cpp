#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "test/unit/core_expect.hpp"
#include "workers/core/bounded_cache.hpp"
#include "workers/core/decimal.hpp"
#include "workers/core/hours_text.hpp"
#include "workers/core/local_zone.hpp"
#include "workers/core/locale_format.hpp"
#include "workers/core/posix_rule.hpp"

namespace switchboard::core {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

Instant At(int year, unsigned month, unsigned day, int hour = 12) {
  return std::chrono::sys_days{std::chrono::year{year} / month / day} + hours{hour};
}

TEST(Decimal, CentsAreExact) {
  EXPECT_EQ(ParseCents("849.99"), 84999);
  EXPECT_EQ(ParseCents("150"), 15000);
  EXPECT_EQ(ParseCents("-0.05"), -5);
  EXPECT_EQ(ParseCents(".5"), 50);
  EXPECT_EQ(ParseCents("9999999999.99"), 999999999999);
  EXPECT_EQ(ParseCents("9007199254740993.01"), 900719925474099301);  // beyond a double
}

TEST(Decimal, CentsAreRoundedAwayFromZero) {
  EXPECT_EQ(ParseCents("0.005"), 1);
  EXPECT_EQ(ParseCents("-0.005"), -1);
  EXPECT_EQ(ParseCents("0.00499999"), 0);
  EXPECT_EQ(ParseCents("1.995"), 200);
}

TEST(Decimal, WhatIsNoNumberHasNoCents) {
  for (const char* text :
       {"", "-", ".", "NaN", "Infinity", "1e5", "1,5", "12345678901234567", "1.2.3", " 1"}) {
    EXPECT_EQ(ParseCents(text), std::nullopt) << text;
  }
}

TEST(Decimal, CentsAreWrittenWithTwoDecimals) {
  EXPECT_EQ(FormatCents(15000), "150.00");
  EXPECT_EQ(FormatCents(5), "0.05");
  EXPECT_EQ(FormatCents(0), "0.00");
  EXPECT_EQ(FormatCents(-123), "-1.23");
}

TEST(Decimal, TrailingZerosGo) {
  EXPECT_EQ(WithoutTrailingZeros("15.00"), "15");
  EXPECT_EQ(WithoutTrailingZeros("12.50"), "12.5");
  EXPECT_EQ(WithoutTrailingZeros("100"), "100");
}

TEST(FormatMoney, IsThatOfTheCountry) {
  EXPECT_EQ(FormatMoney("849.99", "USD", "en-US"), "$849.99");
  EXPECT_EQ(FormatMoney("1234567.5", "USD", "en-US"), "$1,234,567.50");
  EXPECT_EQ(FormatMoney("849.99", "EUR", "de-DE"), "849,99 €");
  EXPECT_EQ(FormatMoney("1234.5", "EUR", "fr-FR"), "1 234,50 €");
  EXPECT_EQ(FormatMoney("849.99", "BRL", "pt-BR"), "R$ 849,99");
  EXPECT_EQ(FormatMoney("849.99", "EUR", "es-ES"), "849,99 €");
  EXPECT_EQ(FormatMoney("5", "GBP", "en-GB"), "£5.00");
}

TEST(FormatMoney, ShowsTheDecimalsOfTheCurrency) {
  EXPECT_EQ(FormatMoney("1500", "JPY", "en-US"), "¥1,500");
  EXPECT_EQ(FormatMoney("1500.5", "JPY", "en-US"), "¥1,501");
  EXPECT_EQ(FormatMoney("0.005", "USD", "en-US"), "$0.01");
  EXPECT_EQ(FormatMoney("-0.005", "USD", "en-US"), "-$0.01");
}

TEST(FormatMoney, CanNameTheCurrencyByItsCode) {
  const auto strict = Strictness::kStrict;
  EXPECT_EQ(FormatMoney("5", "EUR", "de", strict, CurrencyStyle::kCode), "5,00 EUR");
  EXPECT_EQ(FormatMoney("5", "EUR", "de", strict, CurrencyStyle::kSign), "5,00 €");
}

TEST(FormatMoney, IsExactBeyondADouble) {
  EXPECT_EQ(FormatMoney("9007199254740993.01", "USD", "en-US"), "$9,007,199,254,740,993.01");
}

TEST(FormatMoney, TakesTagsInOtherSpellings) {
  EXPECT_EQ(FormatMoney("1", "usd", "en_US"), "$1.00");
  EXPECT_EQ(FormatMoney("1", "EUR", "DE-de"), "1,00 €");
}

TEST(FormatMoney, ExtensionsOfTagsDoNotCount) {
  EXPECT_EQ(FormatMoney("1", "USD", "en-u-nu-rbaa"), "$1.00");
  EXPECT_EQ(FormatMoney("1", "USD", "en-US-posix-x-mine"), "$1.00");
  EXPECT_EQ(FormatMoney("1", "EUR", "sr-Latn-RS"), "1,00 €");
}

TEST(FormatMoney, RefusesWhatDoesNotExist) {
  EXPECT_SB_ERROR(FormatMoney("1", "USD", "nonsense"), "22023", "unknown locale \"nonsense\"");
  EXPECT_SB_ERROR(FormatMoney("1", "USD", ""), "22023", "unknown locale");
  EXPECT_SB_ERROR(FormatMoney("1", "USD", "xx"), "22023", "unknown locale");
  EXPECT_SB_ERROR(FormatMoney("1", "USD", "en-US; drop"), "22023", "unknown locale");
  EXPECT_SB_ERROR(FormatMoney("1", "USD", std::string(5000, 'e')), "22023", "unknown locale");
  EXPECT_SB_ERROR(FormatMoney("1", "XYZ", "en"), "22023", "unknown currency \"XYZ\"");
  EXPECT_SB_ERROR(FormatMoney("1", "dollars", "en"), "22023", "unknown currency");
  EXPECT_SB_ERROR(FormatMoney("1", "", "en"), "22023", "unknown currency");
  EXPECT_SB_ERROR(FormatMoney("1", "$$$", "en"), "22023", "unknown currency");
  EXPECT_SB_ERROR(FormatMoney("NaN", "USD", "en"), "22023", "amount \"NaN\"");
  EXPECT_SB_ERROR(FormatMoney("Infinity", "USD", "en"), "22023", "amount \"Infinity\"");
  EXPECT_SB_ERROR(FormatMoney(std::string(101, '9'), "USD", "en"), "22023", "too long");
}

TEST(FormatMoney, LenientNeedsNothingToExist) {
  const auto lenient = Strictness::kLenient;
  EXPECT_EQ(FormatMoney("849.99", "USD", "nonsense", lenient), "$849.99");
  EXPECT_EQ(FormatMoney("849.99", "USD", "", lenient), "$849.99");
  EXPECT_EQ(FormatMoney("849.99", "QQQ", "en-US", lenient), "QQQ 849.99");
  EXPECT_EQ(FormatMoney("849.9", "", "en-US", lenient), "849.90");
  EXPECT_EQ(FormatMoney("849.9", "many dollars", "en-US", lenient), "849.90");
}

TEST(FormatMoney, WhatLenientTookStrictStillRefuses) {
  EXPECT_EQ(FormatMoney("1", "USD", "klingon", Strictness::kLenient), "$1.00");
  EXPECT_SB_ERROR(FormatMoney("1", "USD", "klingon"), "22023", "unknown locale");
}

TEST(FormatDate, IsThatOfTheCountry) {
  EXPECT_EQ(FormatDate(At(2026, 11, 14), "UTC", "en-US"), "November 14, 2026");
  EXPECT_EQ(FormatDate(At(2026, 11, 14), "UTC", "en-GB"), "14 November 2026");
  EXPECT_EQ(FormatDate(At(2026, 11, 14), "UTC", "de"), "14. November 2026");
  EXPECT_EQ(FormatDate(At(2026, 11, 14), "UTC", "es"), "14 de noviembre de 2026");
  EXPECT_EQ(FormatDate(At(2026, 11, 14), "UTC", "fr"), "14 novembre 2026");
  EXPECT_EQ(FormatDate(At(2026, 11, 14), "UTC", "pt-BR"), "14 de novembro de 2026");
}

TEST(FormatDate, IsTheDayInTheZone) {
  EXPECT_EQ(FormatDate(At(2026, 11, 15, 2), "America/New_York", "en-US"), "November 14, 2026");
  EXPECT_EQ(FormatDate(At(2026, 11, 14, 20), "Asia/Tokyo", "en-US"), "November 15, 2026");
}

TEST(FormatDate, IsGregorianForAllTime) {
  EXPECT_EQ(FormatDate(At(1500, 1, 1), "UTC", "en-US"), "January 1, 1500");
  EXPECT_EQ(FormatDate(At(9999, 12, 31), "UTC", "en-US"), "December 31, 9999");
}

TEST(FormatDate, RefusesWhatDoesNotExist) {
  EXPECT_SB_ERROR(FormatDate(At(2026, 1, 1), "Mars/Base", "en"), "22023", "unknown time zone");
  EXPECT_SB_ERROR(FormatDate(At(2026, 1, 1), "UTC", "xx-YY"), "22023", "unknown locale");
  EXPECT_EQ(FormatDate(At(2026, 1, 1), "Mars/Base", "xx-YY", Strictness::kLenient),
            "January 1, 2026");
}

TEST(FormatPercent, IsThatOfTheCountry) {
  EXPECT_EQ(FormatPercent("15.00", "en-US"), "15%");
  EXPECT_EQ(FormatPercent("12.5", "en-US"), "12.5%");
  EXPECT_EQ(FormatPercent("12.5", "de"), "12,5 %");
}

TEST(BoundedCache, KeepsItsBound) {
  BoundedCache<int, 4> cache;
  int made = 0;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(cache.Get(std::to_string(i), [&] { return ++made, i; }), i);
    EXPECT_LE(cache.size(), 4u);
  }
  EXPECT_EQ(cache.Get("99", [&] { return -1; }), 99);
  EXPECT_EQ(made, 100);
}

TEST(BoundedCache, KeepsNothingWhenMakingFails) {
  BoundedCache<int, 4> cache;
  EXPECT_THROW(cache.Get("a", []() -> int { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(cache.Get("a", [] { return 7; }), 7);
}

TEST(FormatMoney, ManyLocalesDoNotPileUp) {
  for (int i = 0; i < 500; ++i) {
    const std::string tag = "en-x-" + std::to_string(i);
    EXPECT_EQ(FormatMoney("1", "USD", tag), "$1.00") << tag;
  }
}

TEST(HoursText, NamesTheTimeOfTheSeason) {
  EXPECT_EQ(HoursText(hours{14}, hours{16}, "America/New_York", At(2026, 1, 15)),
            "2:00 PM - 4:00 PM EST");
  EXPECT_EQ(HoursText(hours{14}, hours{16}, "America/New_York", At(2026, 7, 15)),
            "2:00 PM - 4:00 PM EDT");
  EXPECT_EQ(HoursText(hours{9} + minutes{5}, hours{12}, "Europe/Berlin", At(2026, 7, 15)),
            "9:05 AM - 12:00 PM CEST");
}

TEST(HoursText, NamesTheTimeWhenTheHoursOpen) {
  // Clocks go back at 2:00 that day: the night before is still EDT.
  EXPECT_EQ(HoursText(hours{14}, hours{16}, "America/New_York", At(2026, 11, 1, 5)),
            "2:00 PM - 4:00 PM EST");
  EXPECT_EQ(HoursText(hours{0}, hours{1}, "America/New_York", At(2026, 11, 1, 20)),
            "12:00 AM - 1:00 AM EDT");
}

TEST(HoursText, MidnightAndNoonAreTwelve) {
  EXPECT_EQ(HoursText(hours{0}, hours{24}, "UTC", At(2026, 1, 1)), "12:00 AM - 12:00 AM UTC");
  EXPECT_EQ(HoursText(hours{12}, hours{13}, "UTC", At(2026, 1, 1)), "12:00 PM - 1:00 PM UTC");
}

TEST(HoursText, TimesWithoutANameAreOffsets) {
  EXPECT_EQ(HoursText(hours{9}, hours{10}, "America/Sao_Paulo", At(2026, 1, 1)),
            "9:00 AM - 10:00 AM UTC-3");
  EXPECT_EQ(HoursText(hours{9}, hours{10}, "Asia/Kathmandu", At(2026, 1, 1)),
            "9:00 AM - 10:00 AM UTC+5:45");
  EXPECT_EQ(HoursText(hours{9}, hours{10}, "Pacific/Kiritimati", At(2026, 1, 1)),
            "9:00 AM - 10:00 AM UTC+14");
  EXPECT_SB_ERROR(HoursText(hours{9}, hours{10}, "Mars/Base", At(2026, 1, 1)), "22023",
                  "Mars/Base");
}

TEST(HoursText, KnowsTheFarFuture) {
  EXPECT_EQ(HoursText(hours{9}, hours{10}, "America/New_York", At(2060, 7, 1)),
            "9:00 AM - 10:00 AM EDT");
  EXPECT_EQ(HoursText(hours{9}, hours{10}, "America/New_York", At(20260, 1, 1)),
            "9:00 AM - 10:00 AM EST");
}

TEST(PosixRule, KeepsTheNamesOfItsTimes) {
  const auto letters = PosixRule::Parse("EST5EDT,M3.2.0,M11.1.0");
  ASSERT_TRUE(letters);
  EXPECT_EQ(letters->NameAt(1768478400), "EST");  // 2026-01-15
  EXPECT_EQ(letters->NameAt(1784116800), "EDT");  // 2026-07-15
  const auto digits = PosixRule::Parse("<-0330>3:30<-0230>,M3.2.0,M11.1.0");
  ASSERT_TRUE(digits);
  EXPECT_EQ(digits->NameAt(1768478400), "-0330");
}

}  // namespace
}  // namespace switchboard::core
