#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "test/unit/core_expect.hpp"
#include "workers/core/coupon_code.hpp"
#include "workers/core/sms_segments.hpp"
#include "workers/core/template.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard::core {
namespace {

TEST(RenderTemplate, PrintsVariablesUnescaped) {
  EXPECT_EQ(RenderTemplate("Hi {{name}}!", R"({"name":"<Ada> & \"Co\""})"), "Hi <Ada> & \"Co\"!");
  EXPECT_EQ(RenderTemplate("{{{a}}}{{&a}}{{& a }}{{ a }}", R"({"a":"<"})"), "<<<<");
  EXPECT_EQ(RenderTemplate("", "{}"), "");
  EXPECT_EQ(RenderTemplate("no tags } { }}", "{}"), "no tags } { }}");
}

TEST(RenderTemplate, PrintsNumbersAsTheyAreWritten) {
  EXPECT_EQ(RenderTemplate("{{a}} {{b}} {{c}} {{d}}",
                           R"({"a":19.90,"b":0.1,"c":12345678901234567890123.45,"d":-7})"),
            "19.90 0.1 12345678901234567890123.45 -7");
  EXPECT_EQ(RenderTemplate("{{t}} {{f}} [{{n}}]", R"({"t":true,"f":false,"n":null})"),
            "true false []");
}

TEST(RenderTemplate, NamesAnAbsentVariable) {
  EXPECT_SB_ERROR(RenderTemplate("Hi {{first_name}}", "{}"), "SB012", "\"first_name\"");
  EXPECT_SB_ERROR(RenderTemplate("{{a.b}}", R"({"a":{}})"), "SB012", "\"a.b\"");
  EXPECT_SB_ERROR(RenderTemplate("{{#a}}{{b}}{{/a}}", R"({"a":true})"), "SB012", "\"b\"");
}

TEST(RenderTemplate, SectionsMayTestForAbsentVariables) {
  EXPECT_EQ(RenderTemplate("{{#name}}Hi {{name}}{{/name}}{{^name}}Hello{{/name}}", "{}"), "Hello");
  EXPECT_EQ(RenderTemplate("{{#a.b}}x{{/a.b}}{{^a.b}}y{{/a.b}}", "{}"), "y");
  EXPECT_EQ(RenderTemplate("{{#no}}{{missing}}{{/no}}", "{}"), "");
}

TEST(RenderTemplate, FalseNullEmptyTextAndEmptyListSkipASection) {
  for (const char* value : {"false", "null", "\"\"", "[]"}) {
    const std::string vars = std::string("{\"a\":") + value + "}";
    EXPECT_EQ(RenderTemplate("{{#a}}yes{{/a}}{{^a}}no{{/a}}", vars), "no") << value;
  }
  for (const char* value : {"true", "\"x\"", "0", "{}", "[0]"}) {
    const std::string vars = std::string("{\"a\":") + value + "}";
    EXPECT_EQ(RenderTemplate("{{#a}}yes{{/a}}{{^a}}no{{/a}}", vars), "yes") << value;
  }
}

TEST(RenderTemplate, WalksListsAndObjects) {
  EXPECT_EQ(RenderTemplate("{{#items}}{{.}};{{/items}}", R"({"items":["a",1,2.50]})"), "a;1;2.50;");
  EXPECT_EQ(RenderTemplate("{{#p}}{{name}}={{price}} {{/p}}",
                           R"({"p":[{"name":"A","price":1.0},{"name":"B","price":2}]})"),
            "A=1.0 B=2 ");
  EXPECT_EQ(RenderTemplate("{{#a}}{{b}}{{c}}{{/a}}", R"({"a":{"b":1},"c":2})"), "12");
  EXPECT_EQ(RenderTemplate("{{#l}}{{#.}}{{.}}{{/.}}|{{/l}}", R"({"l":[[1,2],[3]]})"), "12|3|");
  EXPECT_EQ(RenderTemplate("{{#l}}{{#m}}{{x}}{{/m}}{{^n}}{{#m}}{{.}}{{/m}}{{/n}};{{/l}}",
                           R"({"l":[{"x":1},{"x":2}],"m":["a","b"]})"),
            "11ab;22ab;");
}

TEST(RenderTemplate, DottedNamesGoInside) {
  EXPECT_EQ(RenderTemplate("{{a.b.c}}", R"({"a":{"b":{"c":"x"}}})"), "x");
  // The first part decides where to look.
  EXPECT_SB_ERROR(RenderTemplate("{{#a}}{{b.c}}{{/a}}", R"({"a":{"b":{}},"b":{"c":"wrong"}})"),
                  "SB012", "b.c");
}

TEST(RenderTemplate, InterpolatingAListOrObjectIsRefused) {
  EXPECT_SB_ERROR(RenderTemplate("{{a}}", R"({"a":[1]})"), "22023", "\"a\"");
  EXPECT_SB_ERROR(RenderTemplate("{{a}}", R"({"a":{"b":1}})"), "22023", "\"a\"");
}

TEST(RenderTemplate, CommentsAndDelimiters) {
  EXPECT_EQ(RenderTemplate("a{{! secret }}b", "{}"), "ab");
  EXPECT_EQ(RenderTemplate("a\n  {{! alone\n on lines }}\nb", "{}"), "a\nb");
  EXPECT_EQ(RenderTemplate("{{=<% %>=}}<%a%> {{a}} <%={{ }}=%>{{a}}", R"({"a":1})"), "1 {{a}} 1");
  EXPECT_EQ(RenderTemplate("{{= | | =}}|#a|x|/a|", R"({"a":true})"), "x");
}

TEST(RenderTemplate, StandaloneTagsLeaveNoBlankLines) {
  EXPECT_EQ(RenderTemplate("one\n{{#a}}\ntwo\n{{/a}}\nthree\n", R"({"a":true})"),
            "one\ntwo\nthree\n");
  EXPECT_EQ(RenderTemplate("one\r\n  {{#a}}  \r\ntwo\r\n{{/a}}", R"({"a":true})"),
            "one\r\ntwo\r\n");
  EXPECT_EQ(RenderTemplate("{{#a}}x{{/a}}\ny", R"({"a":false})"), "\ny");
  EXPECT_EQ(RenderTemplate("  {{v}}\n", R"({"v":""})"), "  \n");
  EXPECT_EQ(RenderTemplate("{{#a}}{{/a}}\n", R"({"a":true})"), "\n");
  EXPECT_EQ(RenderTemplate("one\n{{#a}}\ntwo\n{{/a}}\nthree\n", "{}"), "one\nthree\n");
  EXPECT_EQ(RenderTemplate("{{#a}}\n\n{{/a}}\n", R"({"a":true})"), "\n");
  EXPECT_EQ(RenderTemplate(" {{#a}}{{/a}} ", R"({"a":true})"), "  ");
}

TEST(RenderTemplate, AValueIsNeverReadAsTemplate) {
  EXPECT_EQ(RenderTemplate("{{a}} {{{a}}} {{#l}}{{.}}{{/l}}",
                           R"({"a":"{{b}}{{#c}}","b":"leak","l":["{{b}}"]})"),
            "{{b}}{{#c}} {{b}}{{#c}} {{b}}");
}

TEST(RenderTemplate, RefusesMalformedTemplates) {
  for (const char* body : {"{{",
                           "{{a",
                           "{{a}",
                           "{{{a}}",
                           "{{}}",
                           "{{ }}",
                           "{{#}}{{/}}",
                           "{{#a}}",
                           "{{/a}}",
                           "{{#a}}{{/b}}",
                           "{{#a}}{{#b}}{{/a}}{{/b}}",
                           "{{^a}}",
                           "{{=x=}}",
                           "{{==}}",
                           "{{= =}}",
                           "{{=a b c=}}",
                           "{{=<% %>}}",
                           "{{> partial}}",
                           "{{&}}",
                           "{{{ }}}"}) {
    EXPECT_SB_ERROR(RenderTemplate(body, R"({"a":1,"b":1})"), "22023", "template");
  }
}

TEST(RenderTemplate, RefusesVariablesThatAreNoObject) {
  for (const char* vars : {"", "[]", "1", "\"x\"", "null", "{"}) {
    EXPECT_SB_ERROR(RenderTemplate("x", vars), "22023", "");
  }
}

TEST(RenderTemplate, OutputDepthAndWorkAreBounded) {
  const std::string big(600000, 'x');
  EXPECT_SB_ERROR(RenderTemplate("{{a}}{{a}}", "{\"a\":\"" + big + "\"}"), "54000", "exceeds");
  EXPECT_SB_ERROR(RenderTemplate(std::string(2u << 20, ' '), "{}"), "54000", "exceeds");
  std::string deep, end;
  for (int i = 0; i < 65; ++i) {
    deep += "{{#a}}";
    end += "{{/a}}";
  }
  EXPECT_SB_ERROR(RenderTemplate(deep + end, R"({"a":true})"), "54000", "deeper");
  std::string tags;
  for (int i = 0; i < 110000; ++i) tags += "{{a}}";
  EXPECT_SB_ERROR(RenderTemplate(tags, R"({"a":1})"), "54000", "tags");
  std::string list = "[0";
  for (int i = 0; i < 1000; ++i) list += ",0";
  const std::string vars = "{\"a\":" + list + "]}";
  EXPECT_SB_ERROR(RenderTemplate("{{#a}}{{#a}}{{#a}}{{/a}}{{/a}}{{/a}}", vars), "54000", "steps");
  std::string nested = "{\"a\":";
  for (int i = 0; i < 100000; ++i) nested += "[";
  EXPECT_SB_ERROR(RenderTemplate("x", nested), "54000", "nests");
}

TEST(RenderTemplate, ManySectionsSideBySideAreFine) {
  std::string body, expected;
  for (int i = 0; i < 5000; ++i) {
    body += "{{#a}}x{{/a}}";
    expected += "x";
  }
  EXPECT_EQ(RenderTemplate(body, R"({"a":true})"), expected);
}

std::string Repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(SmsSegments, CountsTheReferenceTexts) {
  struct Case {
    std::string text;
    std::string encoding;
    int units;
    int segments;
  };
  const std::string digits = Repeat("1234567890", 40);
  const auto some = [&](std::size_t n) { return digits.substr(0, n); };
  const std::vector<Case> cases = {
      {some(160), "GSM-7", 160, 1},
      {some(161), "GSM-7", 161, 2},
      {some(306), "GSM-7", 306, 2},
      {some(307), "GSM-7", 307, 3},
      {"😜" + some(68), "UCS-2", 70, 1},
      {"😜" + some(69), "UCS-2", 71, 2},
      {"😜" + some(133), "UCS-2", 135, 3},
      {"🇮🇹" + some(66), "UCS-2", 70, 1},
      {"🇮🇹" + some(67), "UCS-2", 71, 2},
      {Repeat("€", 80), "GSM-7", 160, 1},
      {Repeat("€", 81), "GSM-7", 162, 2},
      {Repeat("€", 153), "GSM-7", 306, 3},
      {"", "GSM-7", 0, 1},
  };
  for (const Case& c : cases) {
    const SmsCount count = SmsSegments(c.text);
    EXPECT_EQ(count.encoding, c.encoding) << c.text;
    EXPECT_EQ(count.units, c.units) << c.text;
    EXPECT_EQ(count.segments, c.segments) << c.text;
  }
}

TEST(SmsSegments, KnowsTheWholeGsmAlphabet) {
  const std::string basic =
      "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ "
      "!\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
      "¿abcdefghijklmnopqrstuvwxyzäöñüà";
  EXPECT_STREQ(SmsSegments(basic).encoding, "GSM-7");
  EXPECT_EQ(SmsSegments(basic).units, 127);
  const std::string extension = "\f^{}\\[~]|€";
  EXPECT_STREQ(SmsSegments(extension).encoding, "GSM-7");
  EXPECT_EQ(SmsSegments(extension).units, 20);
}

TEST(SmsSegments, OneForeignCharacterMakesItUcs2) {
  for (const char* text :
       {"`", "ç", "“quoted”", "a–b", "…", "a\u00a0b", "a\tb", "á", "í", "ê", "Α", "Β", "日本"}) {
    EXPECT_STREQ(SmsSegments(text).encoding, "UCS-2") << text;
  }
}

TEST(SmsSegments, DoesNotSplitEscapesSurrogatesOrGraphemes) {
  // 152 letters and an escaped character do not share a part of 153.
  EXPECT_EQ(SmsSegments(std::string(152, 'a') + "€" + std::string(152, 'a')).segments, 3);
  // 66 units and a surrogate pair do not share a part of 67.
  EXPECT_EQ(SmsSegments("ç" + std::string(65, 'a') + "😜" + std::string(65, 'a')).segments, 2);
  EXPECT_EQ(SmsSegments("ç" + std::string(65, 'a') + "😜" + std::string(66, 'a')).segments, 3);
  // A family of four is eleven units in one piece.
  const std::string family = "👨‍👩‍👧‍👦";
  EXPECT_EQ(SmsSegments(family).units, 11);
  EXPECT_EQ(SmsSegments(std::string(60, 'a') + family + std::string(56, 'a')).segments, 2);
  EXPECT_EQ(SmsSegments(std::string(60, 'a') + family + std::string(57, 'a')).segments, 3);
}

TEST(SmsSegments, SplitsAGraphemeThatNoPartCanHold) {
  EXPECT_EQ(SmsSegments("e" + Repeat("\u0301", 200)).units, 201);
  EXPECT_EQ(SmsSegments("e" + Repeat("\u0301", 200)).segments, 3);
}

TEST(SmsSegments, RefusesInvalidUtf8) {
  EXPECT_SB_ERROR(SmsSegments("\xff"), "22023", "UTF-8");
  EXPECT_SB_ERROR(SmsSegments("\xed\xa0\x80"), "22023", "UTF-8");
}

TEST(CouponCode, HasTheDocumentedForm) {
  for (int i = 0; i < 200; ++i) {
    const std::string code = GenerateCouponCode("price_drop", "15");
    EXPECT_THAT(code, testing::MatchesRegex("PRICEDROP-15-[2-9AC-HJKMNP-RTV-Y]{6}"));
    EXPECT_EQ(code.substr(code.size() - 6).find_first_of("01OILBSZU"), std::string::npos) << code;
  }
}

TEST(CouponCode, RoundsThePercentHalfUp) {
  const auto percent = [](const char* discount) {
    const std::string code = GenerateCouponCode("x", discount);
    return code.substr(2, code.size() - 9);
  };
  EXPECT_EQ(percent("5"), "05");
  EXPECT_EQ(percent("0"), "00");
  EXPECT_EQ(percent("12.49"), "12");
  EXPECT_EQ(percent("12.5"), "13");
  EXPECT_EQ(percent("99.9"), "100");
  EXPECT_EQ(percent("100.00"), "100");
  EXPECT_EQ(percent("7."), "07");
}

TEST(CouponCode, RefusesDiscountsOutOfRange) {
  for (const char* discount :
       {"", "-1", "101", "100.01", "1e1", "NaN", ".5", "1,5", "Infinity", " 5"}) {
    EXPECT_SB_ERROR(GenerateCouponCode("x", discount), "22023", "discount_percent");
  }
}

TEST(CouponCode, ReducesTheReason) {
  EXPECT_EQ(GenerateCouponCode("  ä—! ", "10").substr(0, 9), "OFFER-10-");
  EXPECT_EQ(GenerateCouponCode("", "10").substr(0, 9), "OFFER-10-");
  EXPECT_EQ(GenerateCouponCode("Black Friday 2026 mega sale", "10").substr(0, 21),
            "BLACKFRIDAY2026MEGAS-");
}

TEST(CouponCode, DoesNotRepeat) {
  std::set<std::string> codes;
  for (int i = 0; i < 2000; ++i) codes.insert(GenerateCouponCode("x", "10"));
  EXPECT_GE(codes.size(), 1999u);
}

TEST(Utf8, RefusesOverlongAndSurrogates) {
  EXPECT_TRUE(IsValidUtf8("aé€😜"));
  for (const char* bad :
       {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xe2\x82"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
  std::string out;
  for (const char32_t c : {U'a', U'é', U'€', U'😜'}) AppendUtf8(c, &out);
  EXPECT_EQ(out, "aé€😜");
}

TEST(QuotedValues, AreShortAndPrintable) {
  EXPECT_EQ(Quoted("a\nb\xff"), "\"a?b?\"");
  EXPECT_EQ(Quoted(std::string(200, 'x')), "\"" + std::string(80, 'x') + "...\"");
  EXPECT_EQ(Quoted(""), "\"\"");
}

}  // namespace
}  // namespace switchboard::core
