#include <gtest/gtest.h>

#include <map>

#include "test/unit/provider_test_support.hpp"
#include "workers/providers/json_slice.hpp"
#include "workers/providers/outcome.hpp"

namespace switchboard::providers {
namespace {

using namespace std::chrono_literals;
using test::Answer;
using test::kThen;

Transport ParseTransport(const std::string& name) {
  static const std::map<std::string, Transport> names{
      {"answered", Transport::kAnswered},     {"not_resolved", Transport::kNotResolved},
      {"refused", Transport::kRefused},       {"tls", Transport::kTls},
      {"timeout", Transport::kTimeout},       {"reset", Transport::kReset},
      {"too_big", Transport::kTooBig},        {"blocked", Transport::kBlocked},
      {"bad_request", Transport::kBadRequest}};
  return names.at(name);
}

TEST(ProviderOutcome, FollowsTheTransportTable) {
  for (const auto& row : test::ReadTable("transport.tsv")) {
    HttpResponse response = Answer(std::stoi(row[2]));
    response.transport = ParseTransport(row[0]);
    response.request_bytes = std::stoi(row[1]);
    if (!row[3].empty()) response.headers = {{"retry-after", row[3]}};
    SCOPED_TRACE(row[0] + " " + row[1] + " " + row[2] + " " + row[3]);

    const Result write = DefaultOutcome(Effect::kWrite, response, kThen);
    EXPECT_EQ(OutcomeName(write.outcome), row[4]);
    EXPECT_EQ(write.account_fault, row[6] == "1");
    EXPECT_FALSE(write.code.empty());
    EXPECT_FALSE(write.error.empty());
    EXPECT_EQ(write.retry_after.has_value(), !row[3].empty());
    EXPECT_EQ(OutcomeName(DefaultOutcome(Effect::kRead, response, kThen).outcome), row[5]);
  }
}

TEST(ProviderOutcome, MeasuresARetryDateFromTheAnswersOwnClock) {
  const HttpResponse response = Answer(429, "",
                                       {{"Date", "Fri, 29 Sep 2023 16:26:37 GMT"},
                                        {"Retry-After", "Fri, 29 Sep 2023 16:26:57 GMT"}});
  EXPECT_EQ(DefaultOutcome(Effect::kWrite, response, kThen).retry_after, 20000ms);
}

TEST(ProviderOutcome, KeepsTheTransportsWords) {
  HttpResponse response = test::Broken(Transport::kRefused, 0);
  response.transport_error = "connection refused by 127.0.0.1:9";
  EXPECT_EQ(DefaultOutcome(Effect::kWrite, response, kThen).error, response.transport_error);
}

TEST(ProviderOutcome, FinishRemovesEverySpellingOfASecret) {
  Account account;
  account.secrets = {{"auth_token", "s3cret/+="}, {"short", "a"}};
  Result result;
  result.error = "a bad token s3cret/+= or s3cret%2F%2B%3D or QUM6czNjcmV0Lys9";
  result.response_json = R"({"echo":"s3cret/+="})";
  result.provider_id = "s3cret/+=";
  const Result clean = Finish(result, account, "AC");
  EXPECT_EQ(clean.error, "a bad token *** or *** or ***");
  EXPECT_EQ(clean.response_json, R"({"echo":"***"})");
  EXPECT_EQ(clean.provider_id, "***");
}

TEST(ProviderOutcome, FinishMakesTextsFitForOneLineOfUtf8) {
  Result result;
  result.error = "two\nlines\x01 and \xff\xc3\xa9 " + std::string(2000, 'x');
  EXPECT_EQ(Finish(result, Account{}).error, "two lines  and ?\xc3\xa9 " + std::string(481, 'x'));
}

TEST(JsonSlice, FindsTheBytesOfAMember) {
  EXPECT_EQ(SliceMember(R"({"a":1,"body": {"n": 1.10, "s":"}"} ,"z":0})", "body"),
            R"({"n": 1.10, "s":"}"})");
  EXPECT_EQ(SliceMember(R"({"body":[1,[2]]})", "body"), "[1,[2]]");
  EXPECT_EQ(SliceMember(R"({"body":12345678901234567890123})", "body"), "12345678901234567890123");
  EXPECT_EQ(SliceMember(R"({"body":"a\"b"})", "body"), R"("a\"b")");
  EXPECT_EQ(SliceMember(R"({"x":{"body":1}})", "body"), std::nullopt);
  EXPECT_EQ(SliceMember(R"([{"body":1}])", "body"), std::nullopt);
  EXPECT_EQ(SliceMember(R"({"body":1)", "body"), std::nullopt);
  EXPECT_EQ(SliceMember(R"({"body":true,"body":2})", "body"), "true");
}

TEST(ProviderRegistry, KnowsItsProvidersByName) {
  for (const char* name : {"omnidimension", "twilio", "voipstudio", "vonage", "webhook"}) {
    ASSERT_NE(FindProvider(name), nullptr);
    EXPECT_EQ(FindProvider(name)->name(), name);
  }
  EXPECT_EQ(FindProvider("carrier pigeon"), nullptr);
}

TEST(ProviderRegistry, OnlyCallsHarmWhenRepeatedAndAllOfThemCanBeLookedUp) {
  for (const char* name : {"omnidimension", "twilio", "voipstudio", "vonage"}) {
    const KindInfo* call = test::Get(name).capabilities().Find("call");
    ASSERT_NE(call, nullptr);
    EXPECT_TRUE(call->repeat_harms);
    EXPECT_TRUE(call->can_look_up);
  }
  EXPECT_FALSE(test::Get("webhook").capabilities().Find("webhook")->repeat_harms);
  // The receiver of a webhook knows a repeated one by its id.
  EXPECT_FALSE(test::Get("webhook").capabilities().Find("call")->repeat_harms);
}

}  // namespace
}  // namespace switchboard::providers
