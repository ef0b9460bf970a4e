#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "test/unit/core_expect.hpp"
#include "workers/core/backoff.hpp"
#include "workers/core/crypto.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"
#include "workers/core/random.hpp"
#include "workers/core/retry_after.hpp"
#include "workers/core/uuid.hpp"

namespace switchboard::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

class FixedRandom : public Random {
 public:
  explicit FixedRandom(std::uint64_t value) : value_(value) {}
  std::uint64_t Next() override { return value_; }

 private:
  std::uint64_t value_;
};

TEST(ParsesJson, WithLimits) {
  EXPECT_EQ(FindInt(ParseJson(R"({"a":1})"), "a"), 1);
  EXPECT_SB_ERROR(ParseJson("{\"a\":"), "22023", "invalid JSON at byte 5");
  EXPECT_SB_ERROR(ParseJson("{} x"), "22023", "invalid JSON");
  EXPECT_SB_ERROR(ParseJson(""), "22023", "invalid JSON");
  EXPECT_SB_ERROR(ParseJson("[1,2,3]", {.max_bytes = 6}), "54000", "7 bytes");
  EXPECT_SB_ERROR(ParseJson("[[[]]]", {.max_depth = 2}), "54000", "2 levels");
  EXPECT_NO_THROW(ParseJson(R"(["[[[[[["])", {.max_depth = 1}));
  EXPECT_NO_THROW(ParseJson(R"(["\"[[[["])", {.max_depth = 1}));
  EXPECT_FALSE(TryParseJson("nope"));
  EXPECT_FALSE(TryParseJson(std::string(1000000, '{')));
}

TEST(ParsesJson, AndValidatesItsEncoding) {
  EXPECT_SB_ERROR(ParseJson("\"\xff\""), "22023", "invalid JSON");
  EXPECT_SB_ERROR(ParseJson("\"\xc0\x80\""), "22023", "invalid JSON");
  EXPECT_SB_ERROR(ParseJson(R"("\ud800")"), "22023", "invalid JSON");
  EXPECT_SB_ERROR(ParseJson(R"("\ude1c")"), "22023", "surrogate");
  EXPECT_SB_ERROR(ParseJson(R"("\ud83d\ud83d\ude1c")"), "22023", "invalid JSON");
  EXPECT_SB_ERROR(ParseJson(R"("\ud83d\n\ude1c")"), "22023", "invalid JSON");
  EXPECT_EQ(AsString(ParseJson(R"("\\ude1c")")), "\\ude1c");
  EXPECT_EQ(AsString(ParseJson(R"("\ud83d\ude1c\u0000")")), std::string("😜\0", 5));
}

TEST(ParsesJson, NumbersExactly) {
  for (const char* zero :
       {"0", "-0", "0.0", "0e0", "0e63", "0E-300", "-0.000e99", "0.0000000000000000000000e5"}) {
    const Json json = ParseJson(zero);
    EXPECT_EQ(json.GetDouble(), 0.0) << zero;
  }
  for (const char* number :
       {"19.99", "0.1", "123456.789", "1.7976931348623157e308", "9007199254740993", "5e-324"}) {
    EXPECT_EQ(ParseJson(number).GetDouble(), std::strtod(number, nullptr)) << number;
  }
  for (const char* tiny : {"1e-400", "-1E-400"}) EXPECT_EQ(ParseJson(tiny).GetDouble(), 0.0);
  for (const char* bad :
       {"1e400", "-1e400", "01", "1.", ".5", "+1", "1e", "0x1", "NaN", "Infinity", "--1"}) {
    EXPECT_SB_ERROR(ParseJson(bad), "22023", "invalid JSON");
  }
  EXPECT_EQ(ParseJson("9223372036854775807").GetInt64(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(ParseJson("18446744073709551615").GetUint64(),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(ParseJson("18446744073709551616").IsDouble());
  EXPECT_TRUE(ParseJson("-7").IsInt());
}

TEST(ParsesJson, WithoutStoppingAtANulByte) {
  EXPECT_SB_ERROR(ParseJson(std::string_view("{}\0{", 4)), "22023", "NUL");
}

TEST(ParsesJson, ToleratesRepeatedKeys) {
  EXPECT_EQ(FindInt(ParseJson(R"({"a":1,"a":2})"), "a"), 1);
}

TEST(ParsesJson, KeepsTheTextOfNumbersOnRequest) {
  EXPECT_EQ(FindString(ParseJsonKeepingNumbers(R"({"a":1.10})"), "a"), "1.10");
}

TEST(JsonGetters, AnswerNothingForAnotherType) {
  const Json json = ParseJson(R"({"s":"x","i":1,"d":1.5,"b":true,"n":null,"o":{}})");
  EXPECT_EQ(FindString(json, "i"), std::nullopt);
  EXPECT_EQ(FindInt(json, "d"), std::nullopt);
  EXPECT_EQ(FindInt(json, "s"), std::nullopt);
  EXPECT_EQ(FindNumber(json, "d"), 1.5);
  EXPECT_EQ(FindNumber(json, "i"), 1.0);
  EXPECT_EQ(FindBool(json, "b"), true);
  EXPECT_EQ(FindBool(json, "n"), std::nullopt);
  EXPECT_EQ(FindText(json, "i"), "1");
  EXPECT_EQ(FindText(json, "b"), "true");
  EXPECT_EQ(FindText(json, "o"), std::nullopt);
  EXPECT_EQ(Find(json, "missing"), nullptr);
  EXPECT_EQ(Find(*Find(json, "s"), "x"), nullptr);
  EXPECT_EQ(AsString(json), "");
}

TEST(JsonMisuse, ThrowsInsteadOfAborting) {
  const Json json = ParseJson("[1]");
  EXPECT_SB_ERROR(json.GetString(), "XX000", "misused");
  EXPECT_SB_ERROR(json[5], "XX000", "misused");
  EXPECT_SB_ERROR(json["x"], "XX000", "misused");
}

TEST(WritesJson, ThatCanBeReadBack) {
  JsonWriter writer;
  writer.BeginObject().Key("a\"b").String("x\n\x01\xff€").Key("n").Int(-5).Key("d").Double(0.1);
  writer.Key("nan")
      .Double(std::nan(""))
      .Key("l")
      .BeginArray()
      .Bool(true)
      .Null()
      .Raw("{}")
      .EndArray();
  writer.Key("o").BeginObject().EndObject().Key("v").Value(ParseJson("[1]")).EndObject();
  const std::string text = writer.Take();
  EXPECT_EQ(text,
            "{\"a\\\"b\":\"x\\n\\u0001\xef\xbf\xbd€\",\"n\":-5,\"d\":0.1,\"nan\":null,\"l\":[true,"
            "null,{}],"
            "\"o\":{},\"v\":[1]}");
  EXPECT_EQ(ToJson(ParseJson(text)), text);
}

TEST(Base64, RoundTripsAndRefusesOtherSpellings) {
  const std::vector<std::pair<std::string, std::string>> vectors = {
      {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
      {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe", "//4="}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(Base64Encode(plain), encoded);
    EXPECT_EQ(Base64Decode(encoded), plain);
    EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(plain)), plain);
  }
  EXPECT_EQ(Base64UrlEncode("\xff\xfe"), "__4");
  for (const char* bad :
       {"Zg", "Zg=", "Zg===", "Zh==", "Z", "Zm9v\n", "Zm 9", "__4=", "=", "====", "Zg==Zg=="}) {
    EXPECT_EQ(Base64Decode(bad), std::nullopt) << bad;
  }
}

TEST(Hex, RoundTrips) {
  EXPECT_EQ(HexEncode("\x01\xab"), "01ab");
  EXPECT_EQ(HexDecode("01aB"), "\x01\xab");
  EXPECT_EQ(HexDecode("0"), std::nullopt);
  EXPECT_EQ(HexDecode("0g"), std::nullopt);
}

TEST(Forms, AreDecodedInOrder) {
  const FormFields expected = {{"a", "1 2"}, {"b", ""}, {"a", "é&"}, {"c", ""}, {"d", "%zz%"}};
  EXPECT_EQ(ParseForm("a=1+2&b=&&a=%C3%A9%26&c&d=%zz%"), expected);
  EXPECT_EQ(ParseForm(FormEncode(expected)), expected);
  EXPECT_EQ(FormEncode({{"To", "+1 (415)"}}), "To=%2B1%20%28415%29");
  EXPECT_EQ(QueryOf("https://h/p?a=1#f?g"), "a=1");
  EXPECT_EQ(QueryOf("https://h/p#x?a=1"), "");
}

TEST(Forms, BecomeJsonWithRepeatedNamesAsArrays) {
  EXPECT_EQ(FormToJson("b=2&a=1+2&b=%C3%A9&c"), R"({"a":"1 2","b":["2","é"],"c":""})");
  EXPECT_EQ(FormToJson(""), "{}");
  EXPECT_EQ(FieldsToJson({{"q\"", "a\nb"}}), R"({"q\"":"a\nb"})");
  for (const char* unstorable : {"a=%00", "%00=a", "a=%ff", "%C3=a"}) {
    EXPECT_EQ(FormToJson(unstorable), std::nullopt) << unstorable;
  }
}

// Grouping by search would take minutes here.
TEST(Forms, ManyNamesCostLinearTime) {
  FormFields fields;
  for (int i = 0; i < 200000; ++i) fields.emplace_back("n" + std::to_string(i), "v");
  const auto json = FormToJson(FormEncode(fields));
  ASSERT_TRUE(json);
  EXPECT_EQ(json->size(), FieldsToJson(fields).size());
}

TEST(Digests, MatchPublishedVectors) {
  EXPECT_EQ(HexEncode(Hash(HashKind::kMd5, "")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(HexEncode(Hash(HashKind::kSha256, "abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexEncode(Hmac(HashKind::kSha1, "key", "The quick brown fox jumps over the lazy dog")),
            "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9");
  EXPECT_EQ(Hmac(HashKind::kSha512, "", "").size(), 64u);
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abcd"));
  EXPECT_TRUE(ConstantTimeEqual("", ""));
}

TEST(UuidV7Values, AreOrderedByTimeEvenWithinATickAndWhenTheClockGoesBack) {
  const auto now = std::chrono::sys_time<std::chrono::nanoseconds>{
      std::chrono::nanoseconds{1767225600000000000}};
  Uuid last = UuidV7(now);
  for (int i = 0; i < 20000; ++i) {
    const Uuid next = UuidV7(now - std::chrono::nanoseconds{i * 1000});
    ASSERT_LT(last, next);
    last = next;
  }
  EXPECT_EQ(last[6] >> 4, 7);
  EXPECT_EQ(last[8] >> 6, 2);
  const std::string text = FormatUuid(UuidV7(now + seconds{100}));
  EXPECT_EQ(text.substr(0, 13), "019b76dc-2ea0");
}

TEST(UuidV4Values, DoNotRepeat) {
  std::set<Uuid> seen;
  for (int i = 0; i < 10000; ++i) seen.insert(UuidV4());
  EXPECT_EQ(seen.size(), 10000u);
  EXPECT_EQ((*seen.begin())[6] >> 4, 4);
}

TEST(UuidText, RoundTrips) {
  const std::string text = "0190b3c2-7d1e-7a44-9c1f-0a1b2c3d4e5f";
  EXPECT_EQ(FormatUuid(*ParseUuid(text)), text);
  EXPECT_TRUE(ParseUuid("0190B3C2-7D1E-7A44-9C1F-0A1B2C3D4E5F"));
  for (const char* bad :
       {"", "0190b3c2-7d1e-7a44-9c1f-0a1b2c3d4e5", "0190b3c27d1e-7a44-9c1f-0a1b2c3d4e5f-",
        "{190b3c2-7d1e-7a44-9c1f-0a1b2c3d4e5f", "g190b3c2-7d1e-7a44-9c1f-0a1b2c3d4e5f"}) {
    EXPECT_FALSE(ParseUuid(bad)) << bad;
  }
}

TEST(BackOff, IsUniformBelowADoublingCeiling) {
  FixedRandom most(0);
  EXPECT_EQ(FullJitter(milliseconds{100}, seconds{60}, 1, most), milliseconds{0});
  for (int attempt = 1; attempt <= 5; ++attempt) {
    const std::int64_t ceiling = 100 << (attempt - 1);
    FixedRandom top(static_cast<std::uint64_t>(ceiling));
    EXPECT_EQ(FullJitter(milliseconds{100}, seconds{60}, attempt, top), milliseconds{ceiling});
  }
  SystemRandom random;
  for (const int attempt : {-5, 0, 1, 10, 1000, std::numeric_limits<int>::max()}) {
    EXPECT_LE(FullJitter(milliseconds{100}, seconds{60}, attempt, random), seconds{60});
    EXPECT_GE(FullJitter(milliseconds{100}, seconds{60}, attempt, random), seconds{0});
  }
  EXPECT_EQ(FullJitter(milliseconds{0}, seconds{60}, 9, random), milliseconds{0});
  EXPECT_LE(FullJitter(milliseconds::max(), milliseconds::max(), 99, random), milliseconds::max());
}

TEST(RandomNumbers, StayBelowTheirBound) {
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(RandomBelow(7));
  EXPECT_EQ(seen.size(), 7u);
  EXPECT_EQ(*seen.rbegin(), 6u);
  EXPECT_EQ(RandomBelow(1), 0u);
}

TEST(RetryAfter, ReadsSecondsAndDates) {
  const sys_seconds now{seconds{1696004797}};
  const auto wait = [now](const char* value) {
    const auto result = ParseRetryAfter(value, now);
    return result ? result->count() : -1;
  };
  EXPECT_EQ(wait("20"), 20);
  EXPECT_EQ(wait(" 60 "), 60);
  EXPECT_EQ(wait("121"), 121);
  EXPECT_EQ(wait("0"), 0);
  EXPECT_EQ(wait("Fri, 29 Sep 2023 16:26:57 GMT"), 20);
  EXPECT_EQ(wait("Fri, 29 Sep 2023 16:27:37 GMT"), 60);
  EXPECT_EQ(wait("Fri, 29 Sep 2023 16:26:37 GMT"), 0);
  EXPECT_EQ(wait("Fri, 29 Sep 2023 16:28:38 GMT"), 121);
  EXPECT_EQ(wait("Fri, 29 Sep 2023 16:20:00 GMT"), 0);
  EXPECT_EQ(wait("99999999999999999999"), 86400);
  for (const char* bad : {"", "-10", "+5", "1.5", "inf", "nan", "Zun, 29 Sep 2023 16:26:27 GMT",
                          "soon", "Fri, 31 Feb 2023 16:26:27 GMT", "Fri, 29 Sep 2023 25:26:27 GMT",
                          "Fri, 29 Sep 2023 16:26:57 PST"}) {
    EXPECT_EQ(wait(bad), -1) << bad;
  }
}

TEST(RetryAfter, ReadsTheThreeFormsOfDates) {
  for (const char* date : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(ParseHttpDate(date), sys_seconds{seconds{784111777}}) << date;
  }
}

TEST(RetryAfter, TheWaitIsTheLongerOneCappedAndSpread) {
  FixedRandom none(0);
  EXPECT_EQ(RetryDelay(milliseconds{500}, std::nullopt, none), milliseconds{500});
  EXPECT_EQ(RetryDelay(milliseconds{500}, seconds{20}, none), seconds{20});
  EXPECT_EQ(RetryDelay(seconds{30}, seconds{20}, none), seconds{30});
  EXPECT_EQ(RetryDelay(seconds{1}, seconds{86400}, none), seconds{3600});
  FixedRandom most(2000);
  EXPECT_EQ(RetryDelay(milliseconds{0}, seconds{20}, most), milliseconds{22000});
}

}  // namespace
}  // namespace switchboard::core
