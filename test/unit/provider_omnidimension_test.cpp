#include <gtest/gtest.h>

#include "test/unit/provider_test_support.hpp"

namespace switchboard::providers {
namespace {

using namespace std::chrono_literals;
using test::Answer;
using test::Broken;
using test::kThen;
using test::ReadFile;
using test::ReadResponse;

constexpr char kCall[] =
    R"({"to": "+14155550100", "agent_id": 1234, "from_number_id": 77, "context": {"new_price": 849.99, "discount": "15%", "coupon_code": null, "savings_amount": 150.00, "customer_name": "Zoë \"Z\" 李", "purchase_history": [], "call_log_id": "0190b3c2-0000-7000-8000-000000000001"}, "call_log_id": "0190b3c2-0000-7000-8000-000000000001"})";

class OmniDimensionTest : public test::ProviderTest {
 protected:
  OmniDimensionTest() : ProviderTest("omnidimension") {
    account.secrets = {{"api_key", "od-key-0123456789abcdef"}};
  }

  Result Interpret(const HttpResponse& response) {
    return provider.Interpret(job, account, response, kThen);
  }
  Looked LookUp(const HttpResponse& response, Instant now = kThen + 2h) {
    const auto asked = std::get<HttpRequest>(provider.BuildLookup(job, account, kThen));
    return provider.InterpretLookup(job, account, asked, response, now);
  }
  Result LookUpIn(const std::string& file, Instant now = kThen + 2h) {
    return std::get<Result>(LookUp(ReadResponse("omnidimension/" + file), now));
  }
  std::string Status(const std::string& payload, const HttpResponse& response) {
    const Result result =
        provider.Interpret(MakeJob("call.status", payload), account, response, kThen);
    return result.outcome == Outcome::kOk ? result.response_json
                                          : std::string(OutcomeName(result.outcome));
  }

  Job job = MakeJob("call", kCall);
};

TEST_F(OmniDimensionTest, BuildsRequestsAsRecorded) {
  EXPECT_EQ(test::Spell(Build("call", kCall)), ReadFile("omnidimension/call.request"));
  EXPECT_EQ(test::Spell(Build("call.status", R"({"provider_call_id":"3166940","log_id":987654})")),
            ReadFile("omnidimension/status_log.request"));
  EXPECT_EQ(test::Spell(Build("call.status", R"({"provider_call_id":"3166940"})")),
            ReadFile("omnidimension/status_newest.request"));
  EXPECT_EQ(test::Spell(provider.BuildLookup(job, account, kThen)),
            ReadFile("omnidimension/lookup.request"));
  account.settings = R"({"agent_id":"99"})";
  EXPECT_EQ(
      test::Spell(Build(
          "call",
          R"({"to":"14155550100","say":{"text":"Hello Ada"},"context":{"call_log_id":"c1"}})")),
      ReadFile("omnidimension/call_account_agent.request"));
}

TEST_F(OmniDimensionTest, AddsTheJobToAnyContext) {
  account.settings = R"({"agent_id":99})";
  for (const char* context : {"{}", "{ }", "null", "[1]", "5"}) {
    const auto request = std::get<HttpRequest>(
        Build("call", R"({"to":"1","context":)" + std::string(context) + "}"));
    EXPECT_NE(
        request.body.find(R"("call_context":{"job_id":"0190b3c2-7d1e-7a44-9c1f-0a1b2c3d4e5f"}})"),
        std::string::npos)
        << request.body;
  }
}

TEST_F(OmniDimensionTest, GivesACallTimeAndAConnectionOfItsOwn) {
  const auto request = std::get<HttpRequest>(Build("call", kCall));
  EXPECT_TRUE(request.fresh_connection);
  EXPECT_EQ(request.timeout, 60s);
}

TEST_F(OmniDimensionTest, RefusesWhatItCannotDo) {
  for (const char* payload : {"{}", "nonsense", "[]", R"({"to":""})"}) {
    EXPECT_EQ(std::get<Result>(Build("call", payload)).code, "bad_payload") << payload;
  }
  EXPECT_EQ(std::get<Result>(Build("call.status", "{}")).outcome, Outcome::kPermanent);
  EXPECT_EQ(std::get<Result>(Build("message", kCall)).outcome, Outcome::kPermanent);
  for (const char* agent : {"null", R"("Offers")", "0", "-5", "1.5", "false"}) {
    const Built built =
        Build("call", R"({"to":"+14155550100","agent_id":)" + std::string(agent) + "}");
    ASSERT_TRUE(std::holds_alternative<Result>(built)) << agent;
    EXPECT_TRUE(std::get<Result>(built).account_fault) << agent;
  }
  account.secrets.clear();
  EXPECT_TRUE(std::get<Result>(Build("call", kCall)).account_fault);
}

TEST_F(OmniDimensionTest, TakesTheRequestId) {
  const Result result = Interpret(ReadResponse("omnidimension/dispatched.response"));
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.provider_id, "3166940");
}

TEST_F(OmniDimensionTest, SuccessFalseIsARefusalWhateverTheStatus) {
  const Result result = Interpret(ReadResponse("omnidimension/refused.response"));
  EXPECT_EQ(result.outcome, Outcome::kPermanent);
  EXPECT_EQ(result.code, "refused");
  EXPECT_EQ(result.error, "Insufficient balance");
  EXPECT_EQ(Interpret(Answer(200, R"({"success":false})")).outcome, Outcome::kPermanent);
}

TEST_F(OmniDimensionTest, WithoutAnIdItIsInDoubt) {
  for (const char* body : {"{}", "", "nonsense", R"({"success":true,"requestId":false})", "[]"}) {
    EXPECT_EQ(Interpret(Answer(200, body)).outcome, Outcome::kUnknown) << body;
  }
  EXPECT_EQ(Interpret(Broken(Transport::kTimeout, 500)).outcome, Outcome::kUnknown);
  EXPECT_EQ(Interpret(Broken(Transport::kReset, 500)).outcome, Outcome::kUnknown);
  EXPECT_EQ(Interpret(Broken(Transport::kRefused, 0)).outcome, Outcome::kRetry);
}

TEST_F(OmniDimensionTest, ClassifiesEveryRowOfTheErrorTable) {
  for (const auto& row : test::ReadTable("omnidimension/errors.tsv")) {
    SCOPED_TRACE(row[0] + " " + row[1]);
    const Result result = Interpret(Answer(std::stoi(row[0]), row[1]));
    EXPECT_EQ(OutcomeName(result.outcome), row[2]);
    EXPECT_EQ(result.code, row[3]);
    EXPECT_EQ(result.error, row[4]);
    EXPECT_EQ(result.account_fault, row[5] == "1");
  }
}

TEST_F(OmniDimensionTest, NeverRepeatsASecretItIsTold) {
  EXPECT_EQ(Interpret(Answer(401, R"({"error":"bad key od-key-0123456789abcdef"})")).error,
            "bad key ***");
}

TEST_F(OmniDimensionTest, SaysHowACallStandsInOurWords) {
  const std::string ask = R"({"provider_call_id":"3166940"})";
  EXPECT_EQ(Status(ask, ReadResponse("omnidimension/logs_found.response")),
            R"({"status":"completed","duration":"42","log_id":"987654"})");
  EXPECT_EQ(Status(R"({"provider_call_id":"3166940","log_id":"987654"})",
                   ReadResponse("omnidimension/log_one.response")),
            R"({"status":"completed","duration":"42","recording_url":)"
            R"("https://backend.omnidim.io/recordings/987654.mp3","log_id":"987654"})");
  const auto told = [&](const std::string& fields) {
    return Status(ask, Answer(200, R"({"call_log_data":{)" + fields + "}}"));
  };
  EXPECT_EQ(told(R"("call_status":"voicemail_detected")"),
            R"({"status":"completed","answered_by":"machine"})");
  EXPECT_EQ(told(R"("call_status":"completed","is_voicemail":true)"),
            R"({"status":"completed","answered_by":"machine"})");
  EXPECT_EQ(told(R"("call_status":"no_answer")"), R"({"status":"no-answer"})");
  EXPECT_EQ(told(R"("call_status":"no-answer")"), R"({"status":"no-answer"})");
  EXPECT_EQ(told(R"("call_status":"cancelled")"), R"({"status":"canceled"})");
  EXPECT_EQ(told(R"("call_status":"busy","call_duration_in_seconds":false)"),
            R"({"status":"busy"})");
}

TEST_F(OmniDimensionTest, ACallThatIsNotLoggedYetIsNoError) {
  const std::string ask = R"({"provider_call_id":"3166940"})";
  EXPECT_EQ(Status(ask, ReadResponse("omnidimension/logs_empty.response")), "");
  EXPECT_EQ(Status(ask, Answer(200, R"({"call_log_data":{"call_status":"dancing"}})")), "");
  EXPECT_EQ(Status(ask, Answer(200, "{}")), "permanent");
  EXPECT_EQ(Status(ask, Answer(404, "{}")), "permanent");
  EXPECT_EQ(Status(ask, Broken(Transport::kReset, 9)), "retry");
}

TEST_F(OmniDimensionTest, FindsTheCallByNumberAndTime) {
  for (const char* file : {"logs_found.response", "logs_found_number.response"}) {
    const Result result = LookUpIn(file);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    EXPECT_EQ(result.provider_id, "3166940");
  }
  const Result nameless = LookUpIn("logs_found_nameless.response");
  EXPECT_EQ(nameless.outcome, Outcome::kOk);
  EXPECT_EQ(nameless.provider_id, "");
}

TEST_F(OmniDimensionTest, ThinksAnyZonePossibleUnlessItIsSet) {
  EXPECT_EQ(LookUpIn("logs_elsewhere_zone.response").outcome, Outcome::kOk);
  account.settings = R"({"utc_offset_minutes":330})";
  EXPECT_EQ(LookUpIn("logs_elsewhere_zone.response").outcome, Outcome::kOk);
  account.settings = R"({"utc_offset_minutes":0})";
  EXPECT_EQ(LookUpIn("logs_elsewhere_zone.response").outcome, Outcome::kAbsent);
  EXPECT_EQ(LookUpIn("logs_others.response").outcome, Outcome::kAbsent);
}

TEST_F(OmniDimensionTest, WaitsLongBeforeACallCountsAsNotPlaced) {
  const Result early = LookUpIn("logs_empty.response", kThen + 50min);
  EXPECT_EQ(early.outcome, Outcome::kRetry);
  EXPECT_EQ(early.retry_after, 1min);
  EXPECT_EQ(LookUpIn("logs_empty.response", kThen + 61min).outcome, Outcome::kAbsent);
  account.settings = R"({"settle_seconds":60})";
  EXPECT_EQ(LookUpIn("logs_empty.response", kThen + 61s).outcome, Outcome::kAbsent);
}

TEST_F(OmniDimensionTest, AsksForEveryPageThatMayHoldTheCall) {
  for (const char* file : {"logs_more.response", "logs_unsorted.response"}) {
    const Looked looked = LookUp(ReadResponse(std::string("omnidimension/") + file));
    EXPECT_NE(std::get<HttpRequest>(looked).url.find("pageno=2&"), std::string::npos) << file;
  }
  EXPECT_EQ(LookUpIn("logs_older.response").outcome, Outcome::kAbsent);
  EXPECT_EQ(
      std::get<Result>(LookUp(Answer(200, R"({"call_log_data":[],"total_records":250})"))).outcome,
      Outcome::kRetry);
}

TEST_F(OmniDimensionTest, AnUnreadListSettlesNothing) {
  for (const HttpResponse& unread :
       {Answer(500), Answer(200, "{}"), Answer(404, "{}"), Answer(200, R"({"call_log_data":[]})"),
        Answer(200, R"({"call_log_data":{},"total_records":0})"),
        Broken(Transport::kTimeout, 100)}) {
    EXPECT_EQ(std::get<Result>(LookUp(unread)).outcome, Outcome::kRetry);
  }
}

}  // namespace
}  // namespace switchboard::providers
