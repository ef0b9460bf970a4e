#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "test/unit/core_expect.hpp"
#include "workers/core/phone.hpp"
#include "workers/core/phone_place.hpp"
#include "workers/core/phone_subdivisions.hpp"
#include "workers/core/phone_zones.hpp"

namespace switchboard::core {
namespace {

using Zones = std::vector<std::string>;

TEST(NormalizePhone, TakesNationalFormsWithARegion) {
  EXPECT_EQ(NormalizePhone("(415) 555-0100", "US"), "+14155550100");
  EXPECT_EQ(NormalizePhone("415.555.0100", "us"), "+14155550100");
  EXPECT_EQ(NormalizePhone("1 415 555 0100", "US"), "+14155550100");
  EXPECT_EQ(NormalizePhone("020 7946 0000", "GB"), "+442079460000");
  EXPECT_EQ(NormalizePhone("06 12 34 56 78", "FR"), "+33612345678");
  EXPECT_EQ(NormalizePhone("098765 43210", "IN"), "+919876543210");
  EXPECT_EQ(NormalizePhone("0803 123 4567", "NG"), "+2348031234567");
}

TEST(NormalizePhone, KeepsTheLeadingZeroOfItalianNumbers) {
  EXPECT_EQ(NormalizePhone("06 698 12345", "IT"), "+390669812345");
}

TEST(NormalizePhone, TakesInternationalFormsWithoutARegion) {
  EXPECT_EQ(NormalizePhone("+1 415-555-0100", {}), "+14155550100");
  EXPECT_EQ(NormalizePhone("+44 (0)20 7946 0000", {}), "+442079460000");
  EXPECT_EQ(NormalizePhone("  +49 30/901820 ", {}), "+4930901820");
  EXPECT_EQ(NormalizePhone("+442079460000", ""), "+442079460000");
}

TEST(NormalizePhone, TakesInternationalPrefixes) {
  EXPECT_EQ(NormalizePhone("011 44 20 7946 0000", "US"), "+442079460000");
  EXPECT_EQ(NormalizePhone("0044 20 7946 0000", "DE"), "+442079460000");
  EXPECT_EQ(NormalizePhone("0044 20 7946 0000", "US"), "+442079460000");
  EXPECT_EQ(NormalizePhone("0044 20 7946 0000", {}), "+442079460000");
}

TEST(NormalizePhone, TakesUnassignedButPossibleRanges) {
  EXPECT_EQ(NormalizePhone("+1-555-123-4567", {}), "+15551234567");
  EXPECT_FALSE(PhoneIsValid("+15551234567"));
}

TEST(NormalizePhone, RefusesLocalOnlyForms) {
  EXPECT_SB_ERROR(NormalizePhone("555-0100", "US"), "SB001", "\"555-0100\"");
  try {
    NormalizePhone("555-0100", "US");
  } catch (const Error& e) {
    EXPECT_NE(e.hint().find("area code"), std::string::npos) << e.hint();
  }
}

TEST(NormalizePhone, TakesUris) {
  EXPECT_EQ(NormalizePhone("tel:+1-415-555-0100", {}), "+14155550100");
  EXPECT_EQ(NormalizePhone("TEL:+14155550100;ext=12", {}), "+14155550100");
  EXPECT_EQ(NormalizePhone("tel:415-555-0100;phone-context=+1", {}), "+14155550100");
  EXPECT_EQ(NormalizePhone("sip:+14155550100@sip.example.com", {}), "+14155550100");
  EXPECT_EQ(NormalizePhone("sips:%2B14155550100;x=y:pw@example.com:5061;user=phone", {}),
            "+14155550100");
  EXPECT_EQ(NormalizePhone("sip:4155550100@10.0.0.1", "US"), "+14155550100");
  EXPECT_SB_ERROR(NormalizePhone("sip:alice@example.com", "US"), "SB001", "alice");
  EXPECT_SB_ERROR(NormalizePhone("sip:+14155550100", {}), "SB001", "sip:");
}

TEST(NormalizePhone, TakesWhatsappAddresses) {
  EXPECT_EQ(NormalizePhone("whatsapp:+919876543210", {}), "+919876543210");
  EXPECT_EQ(NormalizePhone("WhatsApp: 919876543210", "US"), "+919876543210");
  EXPECT_EQ(NormalizePhone("919876543210@s.whatsapp.net", {}), "+919876543210");
  EXPECT_EQ(NormalizePhone("919876543210:12@s.whatsapp.net", {}), "+919876543210");
  EXPECT_EQ(NormalizePhone("919876543210_1:12@s.whatsapp.net", {}), "+919876543210");
  EXPECT_EQ(NormalizePhone("919876543210@c.us", "US"), "+919876543210");
}

TEST(NormalizePhone, RefusesWhatsappAddressesThatAreNoPersonsNumber) {
  for (const char* jid : {"182736451827364@lid", "120363041234567890@g.us", "status@broadcast",
                          "919876543210@newsletter", "919876543210@gmail.com", "@s.whatsapp.net"}) {
    EXPECT_SB_ERROR(NormalizePhone(jid, "IN"), "SB001", jid);
  }
}

TEST(NormalizePhone, MakesAWhatsappJid) {
  EXPECT_EQ(WhatsappJid("+919876543210"), "919876543210@s.whatsapp.net");
}

TEST(NormalizePhone, ReadsVanityLetters) {
  EXPECT_EQ(NormalizePhone("1-800-FLOWERS", "US"), "+18003569377");
  EXPECT_EQ(NormalizePhone("+1 800 six-flag", {}), "+18007493524");
}

TEST(NormalizePhone, DropsExtensions) {
  EXPECT_EQ(NormalizePhone("415-555-0100 x123", "US"), "+14155550100");
  EXPECT_EQ(NormalizePhone("+44 20 7946 0000 ext. 5", {}), "+442079460000");
}

TEST(NormalizePhone, ReadsForeignDigitsAndIgnoresInvisibleCharacters) {
  EXPECT_EQ(NormalizePhone("＋１ ４１５ ５５５ ０１００", {}), "+14155550100");
  EXPECT_EQ(NormalizePhone("٠١٠٠١٢٣٤٥٦٧", "EG"), "+201001234567");
  EXPECT_EQ(NormalizePhone("\u202a+14155550100\u202c", {}), "+14155550100");
  EXPECT_EQ(NormalizePhone("\u00a0+1\u00a0415\u00a0555\u00a00100\u00a0", {}), "+14155550100");
}

TEST(NormalizePhone, RefusesWhatIsNoNumber) {
  for (const char* raw : {"", " ", "+", "abc", "call me at +1 415 555 0100", "room 12, 4155550100",
                          "911", "+999123456789", "+1415555010012345", "415-555-0100 home",
                          "4155550100 / 4155550101", "Ünter 4155550100", "n/a", "-", "+0", "00"}) {
    EXPECT_SB_ERROR(NormalizePhone(raw, "US"), "SB001", std::string("\"") + raw);
    EXPECT_EQ(TryNormalizePhone(raw, "US"), std::nullopt) << raw;
  }
}

TEST(NormalizePhone, NamesTheRawValueAndHintsAtTheRegion) {
  try {
    NormalizePhone("4155550100", {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "not a phone number: \"4155550100\"");
    EXPECT_NE(e.hint().find("region"), std::string::npos);
  }
}

TEST(NormalizePhone, RefusesUnknownRegions) {
  for (const char* region : {"UK", "XX", "USA", "001", "ZZ", "u", "\xff\xff"}) {
    EXPECT_SB_ERROR(NormalizePhone("+14155550100", region), "22023", "region");
    EXPECT_SB_ERROR(TryNormalizePhone("+14155550100", region), "22023", "region");
  }
}

TEST(NormalizePhone, SurvivesAnyBytes) {
  using std::string_literals::operator""s;
  std::vector<std::string> hostile = {std::string(251, '1'),
                                      std::string(100000, '+'),
                                      "+1415555\xff\xfe"s,
                                      "+14155550100\0"s,
                                      "\0"s,
                                      "\xc3"s,
                                      "tel:;phone-context="s,
                                      "tel:+1;phone-context=;;;"s,
                                      std::string(250, '('),
                                      "sip:@"s,
                                      "sip:%00%00@x"s,
                                      "+1(((((415)))))5550100"s};
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = static_cast<char>(random());
    hostile.push_back(text);
  }
  for (const std::string& raw : hostile) {
    const auto result = TryNormalizePhone(raw, "US");
    if (result) {
      EXPECT_EQ(NormalizePhone(*result, {}), *result);
    }
    EXPECT_NO_THROW(PhoneIsValid(raw));
    EXPECT_NO_THROW(PhoneType(raw));
    EXPECT_NO_THROW(PhoneRegion(raw));
    EXPECT_NO_THROW(PhoneTimezones(raw));
  }
}

TEST(NormalizePhone, IsItsOwnFixedPoint) {
  for (const char* e164 : {"+14155550100", "+442079460000", "+390669812345", "+919876543210",
                           "+5491123456789", "+80012345678", "+8613912345678", "+6562345678"}) {
    EXPECT_EQ(NormalizePhone(e164, "US"), e164);
  }
}

TEST(NormalizePhone, RefusesNumbersWithALeftOverTrunkPrefix) {
  EXPECT_SB_ERROR(NormalizePhone("004117494", "NG"), "SB001", "004117494");
  EXPECT_SB_ERROR(NormalizePhone("000W8JRSGT", "IN"), "SB001", "000W8JRSGT");
  EXPECT_EQ(NormalizePhone("+4407400123456", {}), "+447400123456");
}

TEST(NormalizePhone, WhatItReturnsNormalizesToItself) {
  std::mt19937 random(11);
  for (int i = 0; i < 5000; ++i) {
    std::string raw(6 + random() % 9, '0');
    for (char& c : raw) c = static_cast<char>('0' + random() % 10);
    if (random() % 3 == 0) raw.insert(0, "0");
    if (random() % 3 == 0) raw.insert(0, "+");
    const char* const regions[] = {"US", "GB", "DE", "BR", "AR", "NG", "CN", "IT"};
    const auto e164 = TryNormalizePhone(raw, regions[random() % 8]);
    if (e164) {
      EXPECT_EQ(TryNormalizePhone(*e164, {}), e164) << raw;
    }
  }
}

TEST(PhoneFacts, ValidityIsAboutTheAssignedRange) {
  EXPECT_TRUE(PhoneIsValid("+14155550100"));
  EXPECT_TRUE(PhoneIsValid("+44 20 7946 0000"));
  EXPECT_FALSE(PhoneIsValid("+15551234567"));
  EXPECT_FALSE(PhoneIsValid("4155550100"));
  EXPECT_FALSE(PhoneIsValid("junk"));
}

TEST(PhoneFacts, RegionIsAbsentWhereThereIsNone) {
  EXPECT_EQ(PhoneRegion("+14155550100"), "US");
  EXPECT_EQ(PhoneRegion("+14165550100"), "CA");
  EXPECT_EQ(PhoneRegion("+442079460000"), "GB");
  EXPECT_EQ(PhoneRegion("+80012345678"), std::nullopt);
  EXPECT_EQ(PhoneRegion("junk"), std::nullopt);
}

TEST(PhoneFacts, TypesHaveTheirLabels) {
  EXPECT_EQ(PhoneType("+442079460000"), "fixed_line");
  EXPECT_EQ(PhoneType("+447400123456"), "mobile");
  EXPECT_EQ(PhoneType("+14155550100"), "fixed_line_or_mobile");
  EXPECT_EQ(PhoneType("+18005551212"), "toll_free");
  EXPECT_EQ(PhoneType("+19002345678"), "premium_rate");
  EXPECT_EQ(PhoneType("+611300123456"), "shared_cost");
  EXPECT_EQ(PhoneType("+445612345678"), "voip");
  EXPECT_EQ(PhoneType("+447012345678"), "personal_number");
  EXPECT_EQ(PhoneType("+447640123456"), "pager");
  EXPECT_EQ(PhoneType("+445512345678"), "uan");
  EXPECT_EQ(PhoneType("+4917699123456"), "mobile");
  EXPECT_EQ(PhoneType("+15551234567"), "unknown");
  EXPECT_EQ(PhoneType("junk"), "unknown");
}

TEST(PhoneFacts, FormatsInFourStyles) {
  EXPECT_EQ(FormatPhone("+14155550100", "international"), "+1 415-555-0100");
  EXPECT_EQ(FormatPhone("+14155550100", "national"), "(415) 555-0100");
  EXPECT_EQ(FormatPhone("+1 (415) 555-0100", "e164"), "+14155550100");
  EXPECT_EQ(FormatPhone("+14155550100", "rfc3966"), "tel:+1-415-555-0100");
  EXPECT_SB_ERROR(FormatPhone("+14155550100", "E164"), "22023", "\"E164\"");
  EXPECT_SB_ERROR(FormatPhone("junk", "e164"), "SB001", "\"junk\"");
}

TEST(PhoneZones, AreTheCandidatesOfThePrefix) {
  EXPECT_EQ(PhoneTimezones("+14155550100"), Zones{"America/Los_Angeles"});
  EXPECT_EQ(PhoneTimezones("+12125550100"), Zones{"America/New_York"});
  EXPECT_EQ(PhoneTimezones("+18085550100"), Zones{"Pacific/Honolulu"});
  EXPECT_EQ(PhoneTimezones("+442079460000"), Zones{"Europe/London"});
  EXPECT_EQ(PhoneTimezones("+2348031234567"), Zones{"Africa/Lagos"});
}

TEST(PhoneZones, MobilesOfLargeCountriesHaveSeveral) {
  const Zones zones = PhoneTimezones("+61412345678");
  EXPECT_GT(zones.size(), 3u);
  EXPECT_TRUE(std::is_sorted(zones.begin(), zones.end()));
  EXPECT_NE(std::find(zones.begin(), zones.end(), "Australia/Sydney"), zones.end());
}

TEST(PhoneZones, AreAbsentForServicesAndUnassignedRanges) {
  for (const char* phone : {"+18005551212", "+80012345678", "+15551234567", "junk", ""}) {
    EXPECT_TRUE(PhoneTimezones(phone).empty()) << phone;
  }
}

TEST(PhoneZones, AllAreKnownToTheTimeZoneDatabase) {
  for (const char* phone : {"+14155550100", "+919876543210", "+61412345678", "+541123456789",
                            "+9779812345678", "+61891234567", "+6911234567"}) {
    for (const std::string& zone : PhoneTimezones(phone)) EXPECT_TRUE(TimezoneExists(zone)) << zone;
  }
}

TEST(PhoneZones, LongestPrefixWins) {
  EXPECT_EQ(ZonesOfPrefix("1415"), std::vector<std::string_view>{"America/Los_Angeles"});
  EXPECT_GT(ZonesOfPrefix("1").size(), 10u);
  EXPECT_TRUE(ZonesOfPrefix("").empty());
  EXPECT_TRUE(ZonesOfPrefix("0").empty());
  EXPECT_TRUE(ZonesOfPrefix("x1415").empty());
}

TEST(PhoneSubdivision, KnowsStatesAndProvincesByThePrefix) {
  EXPECT_EQ(PhoneSubdivision("+13055550100"), "US-FL");
  EXPECT_EQ(PhoneSubdivision("tel:+1-202-555-0100"), "US-DC");
  EXPECT_EQ(PhoneSubdivision("+14165550100"), "CA-ON");
  EXPECT_EQ(PhoneSubdivision("+442079460000"), std::nullopt);
  EXPECT_EQ(PhoneSubdivision("+18005550100"), std::nullopt);
  EXPECT_EQ(PhoneSubdivision("+12425550100"), std::nullopt);  // the Bahamas
  EXPECT_EQ(PhoneSubdivision("nonsense"), std::nullopt);
}

TEST(PhoneSubdivision, IsTakenFromTheExchangeWhereAnAreaCodeHasSeveral) {
  EXPECT_EQ(SubdivisionOfAreaCode("1902"), "");
  EXPECT_EQ(SubdivisionOfPrefix("19024220000"), "CA-NS");  // Halifax
  EXPECT_EQ(SubdivisionOfPrefix("19028920000"), "CA-PE");  // Charlottetown
}

TEST(PhoneSubdivision, TakesAnyText) {
  EXPECT_EQ(SubdivisionOfPrefix(""), "");
  EXPECT_EQ(SubdivisionOfPrefix("1"), "");
  EXPECT_EQ(SubdivisionOfPrefix("1x05"), "");
  EXPECT_EQ(SubdivisionOfAreaCode("13"), "");
}

TEST(PlaceOfPhone, IsWhatTheThreeQuestionsSay) {
  std::mt19937 random(7);
  for (const std::string prefix : {"+1212", "+1902", "+1800", "+1242", "+44790", "+9198", "+3361", "+7701", "+39066", "+88216"}) {
    for (int n = 0; n < 50; ++n) {
      const std::string phone = prefix + std::to_string(1000000 + random() % 9000000);
      const PhonePlace& place = PlaceOfPhone(phone);
      EXPECT_EQ(place.region, PhoneRegion(phone).value_or("")) << phone;
      EXPECT_EQ(place.subdivision, PhoneSubdivision(phone).value_or("")) << phone;
      EXPECT_EQ(place.zones, PhoneTimezones(phone)) << phone;
    }
  }
}

TEST(PlaceOfPhone, KnowsNothingOfWhatIsNoNumber) {
  for (const char* const text : {"", "+", "+1", "12125550100", "+1212555O100", "nonsense"}) {
    EXPECT_EQ(PlaceOfPhone(text).region, "") << text;
    EXPECT_TRUE(PlaceOfPhone(text).zones.empty()) << text;
  }
}

}  // namespace
}  // namespace switchboard::core
