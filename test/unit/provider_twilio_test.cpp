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

constexpr char kCall[] = R"({"to":"+14155550100","from":"+15005550006","answer_url":"https://a"})";
constexpr char kMessage[] =
    R"({"channel":"sms","to":"+14155550100","from":"+15005550006","body":"Hi"})";

class TwilioTest : public test::ProviderTest {
 protected:
  TwilioTest() : ProviderTest("twilio") {
    account.settings = R"({"account_sid":"AC00000000000000000000000000000001"})";
    account.secrets = {{"auth_token", "token-12345"}};
  }

  HttpRequest FirstQuestion(const Job& job) {
    return std::get<HttpRequest>(provider.BuildLookup(job, account, kThen));
  }
  // The second question about a call: those started since.
  HttpRequest SecondQuestion(const Job& job) {
    return std::get<HttpRequest>(provider.InterpretLookup(
        job, account, FirstQuestion(job), ReadResponse("twilio/list_empty.response"), kThen));
  }
  Looked AnswerSecond(const Job& job, const HttpResponse& response, Instant now = kThen + 1h) {
    return provider.InterpretLookup(job, account, SecondQuestion(job), response, now);
  }
};

TEST_F(TwilioTest, BuildsRequestsAsRecorded) {
  const struct {
    const char* file;
    const char* kind;
    const char* payload;
  } cases[] = {
      {"call_url", "call",
       R"({"to":"+14155550100","from":"+15005550006","call_log_id":"42","timeout_s":30,
           "answer_url":"https://pbx.example/api/webhooks/twilio/answer?call=42",
           "status_url":"https://pbx.example/api/webhooks/twilio/status?account=7&call=42",
           "machine_detection":"detect_message_end","record":true})"},
      {"call_say", "call",
       R"({"to":"+14155550100","from":"+15005550006","machine_detection":"off","record":false,
           "say":{"text":"Fish & <chips>","language":"en-GB"}})"},
      {"call_hangup", "call.update",
       R"({"provider_call_id":"CA00000000000000000000000000000001","action":"hangup"})"},
      {"call_cancel", "call.update",
       R"({"provider_call_id":"CA00000000000000000000000000000001","action":"cancel"})"},
      {"call_amd_record", "call",
       R"({"to":"+14155550100","from":"+15005550006","answer_url":"https://pbx.example/answer",
           "machine_detection":"enable","amd_url":"https://pbx.example/amd?call=42","record":true,
           "recording_url":"https://pbx.example/recording?call=42"})"},
      {"call_play", "call.update",
       R"({"provider_call_id":"CA00000000000000000000000000000001","action":"play",
           "audio_url":"https://a.example/h.mp3?a=1&b=2"})"},
      {"call_status", "call.status",
       R"({"provider_call_id":"CA00000000000000000000000000000001"})"},
      {"call_redirect", "call.update",
       R"({"provider_call_id":"CA00000000000000000000000000000001","action":"redirect",
           "url":"https://pbx.example/next"})"},
      {"call_redirect", "call.update",
       R"({"provider_call_id":"CA00000000000000000000000000000001","action":"transfer",
           "url":"https://pbx.example/next"})"},
      {"message_sms", "message",
       R"({"channel":"sms","to":"+14155550100","from":"+15005550006","body":"Hellö +1 & ok",
           "media":["https://pbx.example/a.png","https://pbx.example/b.png"],
           "status_url":"https://pbx.example/status?message=9"})"},
      {"message_whatsapp", "message",
       R"({"channel":"whatsapp","to":"+14155550100","from":"whatsapp:+15005550006","body":"Hi"})"},
      {"message_service", "message",
       R"({"channel":"sms","to":"+14155550100","from":"MG00000000000000000000000000000001",
           "body":"Hi"})"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(test::Spell(Build(c.kind, c.payload)),
              ReadFile("twilio/" + std::string(c.file) + ".request"));
  }
}

TEST_F(TwilioTest, PassesTheTwimlOfTheJobOn) {
  const Built built = Build(
      "call",
      R"({"to":"+1","from":"+2","say":{"text":"Hi"},"twiml":"<Response><Dial>a</Dial></Response>"})");
  EXPECT_NE(std::get<HttpRequest>(built).body.find(
                "Twiml=%3CResponse%3E%3CDial%3Ea%3C%2FDial%3E%3C%2FResponse%3E"),
            std::string::npos);
}

TEST_F(TwilioTest, PlacesCallsOnAConnectionOfTheirOwn) {
  EXPECT_TRUE(std::get<HttpRequest>(Build("call", kCall)).fresh_connection);
  EXPECT_FALSE(std::get<HttpRequest>(Build("message", kMessage)).fresh_connection);
}

TEST_F(TwilioTest, SpeaksToTheAccountsOwnAddressWithAnApiKey) {
  account.base_url = "http://127.0.0.1:6600/";
  account.secrets = {{"api_key_sid", "SK1"}, {"api_key_secret", "sesame"}};
  const auto request = std::get<HttpRequest>(Build("message", kMessage));
  EXPECT_EQ(request.url,
            "http://127.0.0.1:6600/2010-04-01/Accounts/AC00000000000000000000000000000001/"
            "Messages.json");
  EXPECT_EQ(*FindHeader(request.headers, "authorization"), "Basic U0sxOnNlc2FtZQ==");
}

TEST_F(TwilioTest, RefusesJobsNoRequestCanBeMadeOf) {
  const struct {
    const char* kind;
    const char* payload;
  } cases[] = {{"call", "{"},
               {"call", "[]"},
               {"call", R"({"from":"+1","answer_url":"https://a"})"},
               {"call", R"({"to":"+1","answer_url":"https://a"})"},
               {"call", R"({"to":"+1","from":"+1"})"},
               {"call.update", R"({"action":"hangup"})"},
               {"call.update", R"({"provider_call_id":"CA1","action":"sing"})"},
               {"call.update", R"({"provider_call_id":"CA1","action":"redirect"})"},
               {"call.update", R"({"provider_call_id":"CA1","action":"play"})"},
               {"call.status", R"({})"},
               {"message", R"({"to":"+1","body":"x"})"},
               {"fax", R"({"to":"+1"})"}};
  for (const auto& c : cases) {
    const Built built = Build(c.kind, c.payload);
    ASSERT_TRUE(std::holds_alternative<Result>(built)) << c.payload;
    EXPECT_EQ(std::get<Result>(built).outcome, Outcome::kPermanent);
    EXPECT_FALSE(std::get<Result>(built).account_fault);
  }
}

TEST_F(TwilioTest, BlamesTheAccountForMissingCredentials) {
  account.secrets.clear();
  const Result result = std::get<Result>(Build("call", kCall));
  EXPECT_EQ(result.outcome, Outcome::kPermanent);
  EXPECT_TRUE(result.account_fault);
}

TEST_F(TwilioTest, TakesTheIdOfWhatWasCreated) {
  const Result call = Interpret("call", kCall, ReadResponse("twilio/call_created.response"));
  EXPECT_EQ(call.outcome, Outcome::kOk);
  EXPECT_EQ(call.provider_id, "CA00000000000000000000000000000001");
  EXPECT_EQ(call.response_json, R"({"status":"queued"})");
  const Result message =
      Interpret("message", kMessage, ReadResponse("twilio/message_created.response"));
  EXPECT_EQ(message.outcome, Outcome::kOk);
  EXPECT_EQ(message.provider_id, "SM00000000000000000000000000000001");
}

TEST_F(TwilioTest, DoubtsASuccessWithoutAnId) {
  for (const char* body : {"", "{}", "<html>", R"({"sid":null})", R"({"sid":)"}) {
    EXPECT_EQ(Interpret("call", kCall, Answer(201, body)).outcome, Outcome::kUnknown) << body;
  }
}

TEST_F(TwilioTest, ClassifiesEveryCodeOfTheErrorTable) {
  for (const auto& row : test::ReadTable("twilio/errors.tsv")) {
    SCOPED_TRACE(row[0] + " " + row[1]);
    const Result result =
        Interpret("call", kCall,
                  Answer(std::stoi(row[1]), R"({"code":)" + row[0] + R"(,"message":"why not"})"));
    EXPECT_EQ(OutcomeName(result.outcome), row[2] == "tomorrow" ? "retry" : row[2]);
    EXPECT_EQ(result.retry_after.has_value(), row[2] == "tomorrow");
    EXPECT_EQ(result.account_fault, row[3] == "1");
    EXPECT_EQ(result.code, row[0]);
    EXPECT_EQ(result.error, "why not");
  }
}

TEST_F(TwilioTest, TellsTheProvidersReason) {
  const Result result = Interpret("call", kCall, ReadResponse("twilio/error_21211.response"));
  EXPECT_EQ(result.outcome, Outcome::kSuppress);
  EXPECT_EQ(result.code, "21211");
  EXPECT_EQ(result.error, "Invalid 'To' Phone Number: +1500");
}

TEST_F(TwilioTest, HonoursRetryAfter) {
  const Result result = Interpret("call", kCall, ReadResponse("twilio/error_20429.response"));
  EXPECT_EQ(result.outcome, Outcome::kRetry);
  EXPECT_EQ(result.retry_after, 7s);
}

TEST_F(TwilioTest, NeverRepeatsASecretItIsTold) {
  const Result result = Interpret("call", kCall, ReadResponse("twilio/error_20003_echo.response"));
  EXPECT_EQ(result.error, "Authenticate: *** / Basic ***");
}

TEST_F(TwilioTest, LeavesACallInDoubtWhenTheAnswerIsLost) {
  EXPECT_EQ(Interpret("call", kCall, Broken(Transport::kReset, 300)).outcome, Outcome::kUnknown);
  EXPECT_EQ(Interpret("call", kCall, Broken(Transport::kTimeout, 0)).outcome, Outcome::kRetry);
}

TEST_F(TwilioTest, HasNothingToHangUpOrToTransferOnACallThatIsOver) {
  const HttpResponse over = Answer(400, R"({"code":21220,"message":"Call is not in-progress"})");
  EXPECT_EQ(Interpret("call.update", R"({"action":"hangup"})", over).outcome, Outcome::kOk);
  EXPECT_EQ(Interpret("call.update", R"({"action":"transfer"})", over).outcome, Outcome::kOk);
  EXPECT_EQ(Interpret("call.update", R"({"action":"redirect"})", over).outcome,
            Outcome::kPermanent);
}

TEST_F(TwilioTest, SaysHowACallStandsInOurWords) {
  const Result result =
      Interpret("call.status", "{}", ReadResponse("twilio/call_fetched.response"));
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(
      result.response_json,
      R"({"status":"completed","answered_by":"machine","duration":"34",)"
      R"("ended_at":"Tue, 01 Jul 2025 10:00:40 +0000","price":"-0.01400","price_unit":"USD"})");
  const struct {
    const char* theirs;
    const char* ours;
  } words[] = {{"queued", "initiated"},    {"ringing", "ringing"},  {"in-progress", "answered"},
               {"completed", "completed"}, {"busy", "busy"},        {"failed", "failed"},
               {"no-answer", "no-answer"}, {"canceled", "canceled"}};
  for (const auto& word : words) {
    const std::string body = R"({"sid":"CA1","answered_by":null,"price":null,"status":")" +
                             std::string(word.theirs) + "\"}";
    EXPECT_EQ(Interpret("call.status", "{}", Answer(200, body)).response_json,
              R"({"status":")" + std::string(word.ours) + "\"}");
  }
}

TEST_F(TwilioTest, AsksAgainForAStatusThatWasNotTold) {
  const auto outcome = [this](const HttpResponse& response) {
    return Interpret("call.status", "{}", response).outcome;
  };
  EXPECT_EQ(outcome(Broken(Transport::kReset, 300)), Outcome::kRetry);
  EXPECT_EQ(outcome(Answer(500)), Outcome::kRetry);
  EXPECT_EQ(outcome(Answer(404, R"({"code":20404,"message":"gone"})")), Outcome::kPermanent);
  for (const char* body : {"{}", "<html>", R"({"status":"singing"})", R"({"status":5})"}) {
    EXPECT_EQ(outcome(Answer(200, body)), Outcome::kPermanent) << body;
  }
}

TEST_F(TwilioTest, AsksForQueuedCallsFirstAndThenForStartedOnes) {
  const Job job = MakeJob("call", kCall);
  EXPECT_EQ(test::Spell(FirstQuestion(job)), ReadFile("twilio/lookup_call_queued.request"));
  EXPECT_EQ(test::Spell(SecondQuestion(job)), ReadFile("twilio/lookup_call_started.request"));
}

TEST_F(TwilioTest, FindsTheCallByNumbersDirectionAndTime) {
  const Looked looked =
      AnswerSecond(MakeJob("call", kCall), ReadResponse("twilio/list_found.response"));
  const Result& result = std::get<Result>(looked);
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.provider_id, "CA_ours");
}

TEST_F(TwilioTest, CountsAMatchWithoutADateAsOurs) {
  const Looked looked =
      AnswerSecond(MakeJob("call", kCall), ReadResponse("twilio/list_no_dates.response"));
  EXPECT_EQ(std::get<Result>(looked).provider_id, "CA_ours");
}

TEST_F(TwilioTest, CallsAreAbsentOnlyWhenTheListWasReadAndTimeHasPassed) {
  const Job job = MakeJob("call", kCall);
  const HttpResponse others = ReadResponse("twilio/list_others.response");
  EXPECT_EQ(std::get<Result>(AnswerSecond(job, others)).outcome, Outcome::kAbsent);

  const Result early = std::get<Result>(AnswerSecond(job, others, kThen + 3s));
  EXPECT_EQ(early.outcome, Outcome::kRetry);
  EXPECT_EQ(early.retry_after, 7s);

  for (const HttpResponse& unread :
       {Answer(200, "{}"), Answer(200, "<html>"), Answer(200, R"({"calls":{}})"), Answer(404, "{}"),
        Answer(500), Answer(429), Answer(401, "{}"), Broken(Transport::kReset, 100),
        Broken(Transport::kTooBig, 100)}) {
    EXPECT_EQ(std::get<Result>(AnswerSecond(job, unread)).outcome, Outcome::kRetry)
        << unread.status << unread.body;
  }
}

TEST_F(TwilioTest, SettleTimeCanBeSet) {
  account.settings = R"({"account_sid":"AC1","settle_seconds":1})";
  const Looked looked =
      AnswerSecond(MakeJob("call", kCall), ReadResponse("twilio/list_others.response"), kThen + 2s);
  EXPECT_EQ(std::get<Result>(looked).outcome, Outcome::kAbsent);
}

TEST_F(TwilioTest, ReadsTheNextPageBeforeJudging) {
  const Looked looked =
      AnswerSecond(MakeJob("call", kCall), ReadResponse("twilio/list_more.response"));
  const auto& next = std::get<HttpRequest>(looked);
  EXPECT_EQ(next.method, "GET");
  EXPECT_EQ(next.url,
            "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001/"
            "Calls.json?To=%2B14155550100&PageSize=100&Page=1&PageToken=PA1");
}

TEST_F(TwilioTest, SendsItsCredentialsNowhereElse) {
  const Looked looked =
      AnswerSecond(MakeJob("call", kCall), ReadResponse("twilio/list_elsewhere.response"));
  EXPECT_EQ(std::get<Result>(looked).outcome, Outcome::kAbsent);
}

TEST_F(TwilioTest, FindsAMessageByItsText) {
  const Job job = MakeJob("message", kMessage);
  const HttpRequest asked = FirstQuestion(job);
  EXPECT_EQ(test::Spell(asked), ReadFile("twilio/lookup_message.request"));
  const Looked looked = provider.InterpretLookup(
      job, account, asked, ReadResponse("twilio/list_messages.response"), kThen + 1h);
  EXPECT_EQ(std::get<Result>(looked).provider_id, "SM_ours");
}

}  // namespace
}  // namespace switchboard::providers
