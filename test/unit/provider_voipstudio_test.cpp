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

constexpr char kCall[] = R"({"to":"+442071234567","from":"+442079460000","agent":"42598"})";

class VoipStudioTest : public test::ProviderTest {
 protected:
  VoipStudioTest() : ProviderTest("voipstudio") {
    account.secrets = {{"api_token", "0123456789abcdef0123456789abcdef01234567"}};
  }

  Result Interpret(const HttpResponse& response) {
    return provider.Interpret(MakeJob("call", kCall), account, response, kThen);
  }
  Looked AnswerLive(const HttpResponse& response) {
    const auto asked = std::get<HttpRequest>(provider.BuildLookup(job, account, kThen));
    return provider.InterpretLookup(job, account, asked, response, kThen + 1h);
  }
  Looked AnswerRecords(const HttpResponse& response, Instant now = kThen + 1h) {
    const auto asked =
        std::get<HttpRequest>(AnswerLive(ReadResponse("voipstudio/live_empty.response")));
    return provider.InterpretLookup(job, account, asked, response, now);
  }

  Job job = MakeJob("call", kCall);
};

TEST_F(VoipStudioTest, BuildsRequestsAsRecorded) {
  EXPECT_EQ(test::Spell(Build("call", kCall)), ReadFile("voipstudio/call.request"));
  EXPECT_EQ(
      test::Spell(Build("call.update", R"({"provider_call_id":"4278003532","action":"hangup"})")),
      ReadFile("voipstudio/hangup.request"));
  EXPECT_EQ(test::Spell(Build("call.status", R"({"provider_call_id":"4278003532"})")),
            ReadFile("voipstudio/status.request"));
  account.settings = R"({"agent":10001})";
  EXPECT_EQ(test::Spell(Build("call", R"({"to":"442071234567"})")),
            ReadFile("voipstudio/call_default_agent.request"));
}

TEST_F(VoipStudioTest, GivesACallTimeAndAConnectionOfItsOwn) {
  const auto request = std::get<HttpRequest>(Build("call", kCall));
  EXPECT_TRUE(request.fresh_connection);
  EXPECT_GE(request.timeout, 15s);
}

TEST_F(VoipStudioTest, RefusesWhatItCannotDo) {
  for (const char* payload : {R"({"provider_call_id":"1","action":"redirect","url":"x"})",
                              R"({"action":"hangup"})", "nonsense"}) {
    EXPECT_EQ(std::get<Result>(Build("call.update", payload)).outcome, Outcome::kPermanent);
  }
  EXPECT_EQ(std::get<Result>(Build("message", kCall)).outcome, Outcome::kPermanent);
  account.secrets.clear();
  EXPECT_TRUE(std::get<Result>(Build("call", kCall)).account_fault);
}

TEST_F(VoipStudioTest, TakesTheLiveIdWhateverTheStateLooksLike) {
  const Result result = Interpret(ReadResponse("voipstudio/call_created.response"));
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.provider_id, "4278003532");
  EXPECT_EQ(result.response_json, R"({"state":"RINGING"})");
  EXPECT_EQ(Interpret(ReadResponse("voipstudio/call_created_numeric_state.response")).response_json,
            R"({"state":"2"})");
  EXPECT_EQ(Interpret(Answer(201, R"({"data":{}})")).outcome, Outcome::kUnknown);
  EXPECT_EQ(Interpret(Answer(201, R"({"data":[1]})")).outcome, Outcome::kUnknown);
}

TEST_F(VoipStudioTest, ClassifiesEveryRowOfTheErrorTable) {
  for (const auto& row : test::ReadTable("voipstudio/errors.tsv")) {
    SCOPED_TRACE(row[0] + " " + row[1]);
    const std::string message = "\"message\":\"" + row[1] + "\"";
    for (const std::string& body :
         {"{" + message + "}", R"({"message":"Bad","errors":[{)" + message + "}]}"}) {
      const Result result = Interpret(Answer(std::stoi(row[0]), body));
      EXPECT_EQ(OutcomeName(result.outcome), row[2]);
      EXPECT_EQ(result.code, row[3]);
      EXPECT_EQ(result.error, row[1]);
      EXPECT_EQ(result.account_fault, row[5] == "1");
      EXPECT_EQ(result.retry_after.has_value(), !row[4].empty());
      if (!row[4].empty()) {
        EXPECT_EQ(result.retry_after, std::chrono::seconds(std::stoi(row[4])));
      }
    }
  }
}

TEST_F(VoipStudioTest, NamesTheFieldThatWasRefused) {
  EXPECT_EQ(
      Interpret(Answer(400, R"({"message":"no","errors":[{"field":"to","message":"is bad"}]})"))
          .error,
      "to: is bad");
}

TEST_F(VoipStudioTest, HangsUpOnce) {
  const Job hang_up = MakeJob("call.update", R"({"provider_call_id":"1","action":"hangup"})");
  for (const int status : {200, 204, 404}) {
    EXPECT_EQ(provider.Interpret(hang_up, account, Answer(status), kThen).outcome, Outcome::kOk);
  }
  EXPECT_EQ(provider.Interpret(hang_up, account, Answer(401), kThen).outcome, Outcome::kPermanent);
}

TEST_F(VoipStudioTest, SaysHowALiveCallStandsInOurWords) {
  const Job ask = MakeJob("call.status", R"({"provider_call_id":"1"})");
  const auto status = [&](const std::string& call) {
    const Result result =
        provider.Interpret(ask, account, Answer(200, R"({"data":)" + call + "}"), kThen);
    return result.outcome == Outcome::kOk ? result.response_json
                                          : std::string(OutcomeName(result.outcome));
  };
  EXPECT_EQ(status(R"({"id":1,"state":"RINGING","connected_at":null})"), R"({"status":"ringing"})");
  EXPECT_EQ(status(R"({"state":"CONNECTED","connected_at":1751364002,"duration":7})"),
            R"({"status":"answered","duration":"7"})");
  EXPECT_EQ(status(R"({"state":"ON_HOLD"})"), R"({"status":"answered"})");
  EXPECT_EQ(status(R"({"state":"INITIAL"})"), R"({"status":"initiated"})");
  EXPECT_EQ(status(R"({"state":"HANGUP","connected_at":"2025-07-01 10:00:04"})"),
            R"({"status":"completed"})");
  EXPECT_EQ(status(R"({"state":"MISSED"})"), R"({"status":"no-answer"})");
  EXPECT_EQ(status(R"({"state":4,"connected_at":1751364002})"), R"({"status":"answered"})");
  EXPECT_EQ(status(R"({"state":4})"), "permanent");
  EXPECT_EQ(status("[]"), "permanent");
  EXPECT_EQ(provider.Interpret(ask, account, Answer(404), kThen).outcome, Outcome::kPermanent);
  EXPECT_EQ(provider.Interpret(ask, account, Broken(Transport::kReset, 9), kThen).outcome,
            Outcome::kRetry);
}

TEST_F(VoipStudioTest, NeverRepeatsASecretItIsTold) {
  EXPECT_EQ(
      Interpret(Answer(401, R"({"message":"bad token 0123456789abcdef0123456789abcdef01234567"})"))
          .error,
      "bad token ***");
}

TEST_F(VoipStudioTest, LooksAmongLiveCallsThenAmongRecords) {
  EXPECT_EQ(test::Spell(provider.BuildLookup(job, account, kThen)),
            ReadFile("voipstudio/lookup_live.request"));
  const Looked next = AnswerLive(ReadResponse("voipstudio/live_empty.response"));
  EXPECT_EQ(test::Spell(std::get<HttpRequest>(next)),
            ReadFile("voipstudio/lookup_records.request"));
}

TEST_F(VoipStudioTest, FindsTheCallByNumberAgentAndTime) {
  const Looked live = AnswerLive(ReadResponse("voipstudio/live_found.response"));
  EXPECT_EQ(std::get<Result>(live).provider_id, "4278003532");
  const Looked record = AnswerRecords(ReadResponse("voipstudio/records_found.response"));
  EXPECT_EQ(std::get<Result>(record).outcome, Outcome::kOk);
  EXPECT_EQ(std::get<Result>(record).provider_id, "4278003532");
}

TEST_F(VoipStudioTest, ReadsRecordsInTheAccountsTimeZone) {
  account.settings = R"({"utc_offset_minutes":60})";
  const Looked looked = AnswerRecords(Answer(
      200,
      R"({"data":[{"live_id":9,"calldate":"2025-07-01 11:00:04","src_id":"42598","dst":"442071234567"}],"total":1})"));
  EXPECT_EQ(std::get<Result>(looked).provider_id, "9");
}

TEST_F(VoipStudioTest, AsksForEveryPageOfRecords) {
  const Looked looked = AnswerRecords(ReadResponse("voipstudio/records_more.response"));
  EXPECT_NE(std::get<HttpRequest>(looked).url.find("&page=2&"), std::string::npos);
}

TEST_F(VoipStudioTest, CallsAreAbsentOnlyWhenBothListsWereRead) {
  const HttpResponse none = ReadResponse("voipstudio/live_empty.response");
  EXPECT_EQ(std::get<Result>(AnswerRecords(none)).outcome, Outcome::kAbsent);
  EXPECT_EQ(std::get<Result>(AnswerRecords(none, kThen + 1s)).outcome, Outcome::kRetry);
  EXPECT_EQ(
      std::get<Result>(AnswerLive(ReadResponse("voipstudio/live_incomplete.response"))).outcome,
      Outcome::kRetry);
  for (const HttpResponse& unread :
       {Answer(500), Answer(200, "{}"), Answer(404, "{}"), Broken(Transport::kTimeout, 100)}) {
    EXPECT_EQ(std::get<Result>(AnswerLive(unread)).outcome, Outcome::kRetry);
    EXPECT_EQ(std::get<Result>(AnswerRecords(unread)).outcome, Outcome::kRetry);
  }
}

}  // namespace
}  // namespace switchboard::providers
