#include <gtest/gtest.h>

#include "test/doubles/carrier/carrier_jwt.hpp"
#include "test/unit/provider_test_support.hpp"
#include "test/unit/rsa_test_key.hpp"
#include "workers/core/uuid.hpp"
#include "workers/providers/vonage/ncco.hpp"

namespace switchboard::providers {
namespace {

using namespace std::chrono_literals;
using test::Answer;
using test::Broken;
using test::kThen;
using test::ReadFile;
using test::ReadResponse;

constexpr char kApplication[] = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab";
constexpr char kCall[] = R"({"to":"+14155550100","from":"+14155550101","answer_url":"https://a"})";
constexpr char kUpdate[] = R"({"provider_call_id":"63f61863-4a51-4f6b-86e1-46edebcf9356",)";

std::string Token(const HttpRequest& request) {
  const std::string& header = *FindHeader(request.headers, "Authorization");
  return header.starts_with("Bearer ") ? header.substr(7) : "";
}

class VonageTest : public test::ProviderTest {
 protected:
  VonageTest() : ProviderTest("vonage") {
    account.settings = R"({"application_id":")" + std::string(kApplication) + R"("})";
    account.secrets = {{"private_key", switchboard::test::TestRsaPair().private_pem}};
  }

  HttpRequest Request(std::string kind, std::string payload) {
    return std::get<HttpRequest>(Build(std::move(kind), std::move(payload)));
  }
  HttpRequest Question(const Job& job) {
    return std::get<HttpRequest>(provider.BuildLookup(job, account, kThen));
  }
  Looked AnswerQuestion(const Job& job, const HttpResponse& response, Instant now = kThen + 1h) {
    return provider.InterpretLookup(job, account, Question(job), response, now);
  }
  // As golden files have it: the token differs with the key, which is made anew for each run.
  static std::string Spell(Built built) {
    if (auto* request = std::get_if<HttpRequest>(&built)) {
      request->headers.front().second = "Bearer <token>";
    }
    return test::Spell(built);
  }
};

TEST_F(VonageTest, BuildsRequestsAsRecorded) {
  const struct {
    const char* file;
    const char* kind;
    std::string payload;
  } cases[] = {
      {"call_url", "call",
       R"({"to":"+14155550100","from":"+14155550101","call_log_id":"42","timeout_s":300,
           "answer_url":"https://pbx.example/api/webhooks/vonage/answer?account=7&call=42",
           "status_url":"https://pbx.example/api/webhooks/vonage/status?account=7&call=42",
           "machine_detection":"detect_message_end","record":true})"},
      {"call_say", "call",
       R"({"to":"+14155550100","from":"+14155550101","machine_detection":"off","record":true,
           "recording_url":"https://pbx.example/recording",
           "say":{"text":"Fish & \"chips\"","language":"en-GB"}})"},
      {"call_meanwhile", "call",
       R"({"to":"sip:bob@pbx.example","from":"+14155550101","answer_url":"https://a","timeout_s":30,
           "machine_detection":"enable","amd_url":"https://pbx.example/amd"})"},
      {"call_hangup", "call.update", kUpdate + std::string(R"("action":"hangup"})")},
      {"call_hangup", "call.update", kUpdate + std::string(R"("action":"cancel"})")},
      {"call_redirect", "call.update",
       kUpdate + std::string(R"("action":"redirect","url":"https://pbx.example/next"})")},
      {"call_redirect", "call.update",
       kUpdate + std::string(R"("action":"transfer","url":"https://pbx.example/next"})")},
      {"call_play", "call.update",
       kUpdate + std::string(R"("action":"play","audio_url":"https://pbx.example/a.mp3"})")},
      {"call_status", "call.status", kUpdate + std::string(R"("x":1})")},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Spell(Build(c.kind, c.payload)),
              ReadFile("vonage/" + std::string(c.file) + ".request"));
  }
}

TEST_F(VonageTest, ProvesItselfWithATokenOfTheApplication) {
  const std::string token = Token(Request("call", kCall));
  const auto claims = carrier::TokenClaims(token, switchboard::test::TestRsaPair().public_pem);
  ASSERT_TRUE(claims);
  EXPECT_EQ(core::FindString(*claims, "application_id"), kApplication);
  EXPECT_EQ(core::FindInt(*claims, "iat"), 1751364000);
  EXPECT_EQ(core::FindInt(*claims, "exp"), 1751364000 + 900);
  EXPECT_TRUE(core::ParseUuid(*core::FindString(*claims, "jti")));
}

TEST_F(VonageTest, NoTwoRequestsShareATokenId) {
  Job job = MakeJob("call", kCall);
  const std::string token = Token(Request("call", kCall));
  job.attempt = 2;
  EXPECT_NE(Token(std::get<HttpRequest>(provider.BuildRequest(job, account, kThen))), token);
  job.attempt = 1;
  EXPECT_EQ(Token(std::get<HttpRequest>(provider.BuildRequest(job, account, kThen))), token);
  EXPECT_NE(Token(std::get<HttpRequest>(provider.BuildRequest(job, account, kThen + 1us))), token);
}

TEST_F(VonageTest, TakesAKeyWithItsLineBreaksSpelledOut) {
  std::string& key = account.secrets["private_key"];
  const std::string token = Token(Request("call", kCall));
  for (std::size_t at = key.find('\n'); at != std::string::npos; at = key.find('\n')) {
    key.replace(at, 1, "\\n");
  }
  EXPECT_EQ(Token(Request("call", kCall)), token);
}

TEST_F(VonageTest, SpeaksToTheAccountsOwnAddress) {
  account.base_url = "http://127.0.0.1:6600/";
  EXPECT_EQ(Request("call", kCall).url, "http://127.0.0.1:6600/v1/calls");
}

TEST_F(VonageTest, PlacesCallsOnAConnectionOfTheirOwn) {
  EXPECT_TRUE(Request("call", kCall).fresh_connection);
  EXPECT_FALSE(Request("call.status", kUpdate + std::string(R"("x":1})")).fresh_connection);
}

TEST_F(VonageTest, SpreadsALongTextOverSeveralTalks) {
  std::string words;
  while (words.size() < 2990) words += "\xc3\xa9t\xc3\xa9 ";  // 4 characters, 6 bytes
  const core::Json ncco = core::ParseJson(vonage::SayNcco(words + words, "", ""));
  std::string said;
  for (const core::JsonValue& talk : ncco.GetArray()) {
    EXPECT_FALSE(core::FindString(talk, "language"));
    const std::string_view text = *core::FindString(talk, "text");
    EXPECT_LE(text.size(), 1500u * 6 / 4);
    EXPECT_TRUE(text.ends_with(' '));
    said += text;
  }
  EXPECT_EQ(said, words + words);
  EXPECT_EQ(core::ParseJson(vonage::SayNcco(std::string(3001, 'x'), "", "")).Size(), 3u);
}

TEST_F(VonageTest, RefusesJobsNoRequestCanBeMadeOf) {
  const struct {
    const char* kind;
    std::string payload;
  } cases[] = {{"call", "{"},
               {"call", "[]"},
               {"call", R"({"from":"+1","answer_url":"https://a"})"},
               {"call", R"({"to":"+1","answer_url":"https://a"})"},
               {"call", R"({"to":"+1","from":"+1"})"},
               {"call.update", R"({"action":"hangup"})"},
               {"call.update", kUpdate + std::string(R"("action":"sing"})")},
               {"call.update", kUpdate + std::string(R"("action":"redirect"})")},
               {"call.update", kUpdate + std::string(R"("action":"play"})")},
               {"call.status", "{}"},
               {"fax", R"({"to":"+1"})"}};
  for (const auto& c : cases) {
    const Built built = Build(c.kind, c.payload);
    ASSERT_TRUE(std::holds_alternative<Result>(built)) << c.payload;
    EXPECT_EQ(std::get<Result>(built).outcome, Outcome::kPermanent);
    EXPECT_FALSE(std::get<Result>(built).account_fault);
  }
}

TEST_F(VonageTest, BlamesTheAccountForMissingOrBadCredentials) {
  const auto expect_blame = [this] {
    const Result result = std::get<Result>(Build("call", kCall));
    EXPECT_EQ(result.outcome, Outcome::kPermanent);
    EXPECT_TRUE(result.account_fault);
    EXPECT_EQ(result.error.find("BEGIN"), std::string::npos);
  };
  const std::string key = account.secrets["private_key"];
  const std::string encrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII=\n-----END ENCRYPTED PRIVATE KEY-----\n";
  for (const std::string& bad :
       {std::string(), std::string("sesame"), key.substr(0, key.size() / 2), encrypted}) {
    account.secrets["private_key"] = bad;
    expect_blame();
  }
  account.secrets["private_key"] = key;
  account.settings = "{}";
  expect_blame();
}

TEST_F(VonageTest, TakesTheIdOfTheCall) {
  const Result call = Interpret("call", kCall, ReadResponse("vonage/call_created.response"));
  EXPECT_EQ(call.outcome, Outcome::kOk);
  EXPECT_EQ(call.provider_id, "63f61863-4a51-4f6b-86e1-46edebcf9356");
  EXPECT_EQ(call.response_json, R"({"status":"started"})");
}

TEST_F(VonageTest, DoubtsASuccessWithoutAnId) {
  for (const char* body : {"", "{}", "<html>", R"({"uuid":null})", R"({"uuid":)"}) {
    EXPECT_EQ(Interpret("call", kCall, Answer(201, body)).outcome, Outcome::kUnknown) << body;
  }
}

TEST_F(VonageTest, LeavesACallInDoubtWhenTheAnswerIsLost) {
  EXPECT_EQ(Interpret("call", kCall, Broken(Transport::kReset, 300)).outcome, Outcome::kUnknown);
  EXPECT_EQ(Interpret("call", kCall, Broken(Transport::kTimeout, 0)).outcome, Outcome::kRetry);
}

TEST_F(VonageTest, ClassifiesEveryErrorOfTheTable) {
  for (const auto& row : test::ReadTable("vonage/errors.tsv")) {
    SCOPED_TRACE(row[0] + " " + row[1]);
    const Result result = Interpret("call", kCall, Answer(std::stoi(row[0]), row[1]));
    EXPECT_EQ(OutcomeName(result.outcome), row[2]);
    EXPECT_EQ(result.account_fault, row[3] == "1");
    EXPECT_EQ(result.code, row[4]);
    EXPECT_EQ(result.error, row[5]);
  }
}

TEST_F(VonageTest, HonoursRetryAfter) {
  const Result result = Interpret("call", kCall, Answer(429, "{}", {{"Retry-After", "7"}}));
  EXPECT_EQ(result.outcome, Outcome::kRetry);
  EXPECT_EQ(result.retry_after, 7s);
}

TEST_F(VonageTest, HasNothingToHangUpOrToTransferOnACallThatIsOver) {
  const std::string hang_up = kUpdate + std::string(R"("action":"hangup"})");
  const std::string transfer = kUpdate + std::string(R"("action":"transfer","url":"https://a"})");
  const std::string play = kUpdate + std::string(R"("action":"play","audio_url":"https://a"})");
  EXPECT_EQ(Interpret("call.update", hang_up, Answer(204)).outcome, Outcome::kOk);
  EXPECT_EQ(Interpret("call.update", play, Answer(204)).outcome, Outcome::kOk);
  for (const int status : {404, 409}) {
    EXPECT_EQ(Interpret("call.update", hang_up, Answer(status, "{}")).outcome, Outcome::kOk);
    EXPECT_EQ(Interpret("call.update", transfer, Answer(status, "{}")).outcome, Outcome::kOk);
    EXPECT_EQ(Interpret("call.update", play, Answer(status, "{}")).outcome, Outcome::kPermanent);
  }
}

TEST_F(VonageTest, ReportsTheStatusInOurWords) {
  const Result result =
      Interpret("call.status", "{}", ReadResponse("vonage/call_completed.response"));
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.response_json,
            R"({"status":"completed","duration":"60","ended_at":"2025-07-01T10:01:10.000Z",)"
            R"("price":"23.40","currency":"EUR"})");
  const std::pair<const char*, const char*> words[] = {
      {"started", "initiated"},   {"ringing", "ringing"}, {"answered", "answered"},
      {"completed", "completed"}, {"busy", "busy"},       {"cancelled", "canceled"},
      {"failed", "failed"},       {"rejected", "failed"}, {"timeout", "no-answer"},
      {"unanswered", "no-answer"}};
  for (const auto& [theirs, ours] : words) {
    const Result told = Interpret("call.status", "{}",
                                  Answer(200, R"({"status":")" + std::string(theirs) + R"("})"));
    EXPECT_EQ(told.response_json, R"({"status":")" + std::string(ours) + R"("})");
  }
  EXPECT_EQ(Interpret("call.status", "{}", Answer(200, R"({"status":"machine"})")).response_json,
            R"({"status":"answered","answered_by":"machine"})");
}

TEST_F(VonageTest, ReadsStatusAgainAfterAFailure) {
  EXPECT_EQ(Interpret("call.status", "{}", Answer(500)).outcome, Outcome::kRetry);
  EXPECT_EQ(Interpret("call.status", "{}", Broken(Transport::kReset, 9)).outcome, Outcome::kRetry);
  for (const HttpResponse& useless :
       {Answer(200, R"({"status":"dancing"})"), Answer(200, "<html>"), Answer(404, "{}")}) {
    EXPECT_EQ(Interpret("call.status", "{}", useless).outcome, Outcome::kPermanent);
  }
}

TEST_F(VonageTest, AsksForTheCallsAroundTheDoubt) {
  EXPECT_EQ(Spell(Question(MakeJob("call", kCall))), ReadFile("vonage/lookup.request"));
}

TEST_F(VonageTest, FindsTheCallByNumbersDirectionAndTime) {
  const Job job = MakeJob("call", kCall);
  for (const char* file : {"vonage/list_found.response", "vonage/list_not_started.response"}) {
    const Result result = std::get<Result>(AnswerQuestion(job, ReadResponse(file)));
    EXPECT_EQ(result.outcome, Outcome::kOk);
    EXPECT_EQ(result.provider_id, "ours");
  }
}

TEST_F(VonageTest, CallsAreAbsentOnlyWhenTheListWasReadAndTimeHasPassed) {
  const Job job = MakeJob("call", kCall);
  const HttpResponse others = ReadResponse("vonage/list_others.response");
  EXPECT_EQ(std::get<Result>(AnswerQuestion(job, others)).outcome, Outcome::kAbsent);

  const Result early = std::get<Result>(AnswerQuestion(job, others, kThen + 3s));
  EXPECT_EQ(early.outcome, Outcome::kRetry);
  EXPECT_EQ(early.retry_after, 7s);

  for (const HttpResponse& unread :
       {Answer(200, "{}"), Answer(200, "<html>"), Answer(200, R"({"_embedded":{"calls":{}}})"),
        Answer(200, R"({"count":5,"_embedded":{"calls":[]}})"), Answer(404, "{}"), Answer(500),
        Answer(429), Answer(401, "{}"), Broken(Transport::kReset, 100),
        Broken(Transport::kTooBig, 100)}) {
    EXPECT_EQ(std::get<Result>(AnswerQuestion(job, unread)).outcome, Outcome::kRetry)
        << unread.status << unread.body;
  }
}

TEST_F(VonageTest, ReadsTheNextPageBeforeJudging) {
  const Job job = MakeJob("call", kCall);
  const HttpResponse more = ReadResponse("vonage/list_more.response");
  const auto next = std::get<HttpRequest>(AnswerQuestion(job, more));
  EXPECT_EQ(next.url,
            "https://api.nexmo.com/v1/calls?date_start=2025-07-01T09%3A59%3A00Z&order=asc"
            "&page_size=100&record_index=1");
  EXPECT_EQ(Token(next), Token(Question(job)));
  const Looked last = provider.InterpretLookup(job, account, next, more, kThen + 1h);
  EXPECT_EQ(std::get<Result>(last).outcome, Outcome::kAbsent);
}

}  // namespace
}  // namespace switchboard::providers
