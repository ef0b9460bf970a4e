// The simulated Vonage from outside, asked by the very requests the provider builds.
#include "test/doubles/carrier/carrier_jwt.hpp"
#include "test/unit/carrier_test_support.hpp"
#include "test/unit/rsa_test_key.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/webhook_signature.hpp"

namespace switchboard::carrier::test {
namespace {

using namespace std::chrono_literals;
using core::FindString;
using providers::Account;
using providers::Job;
using providers::Outcome;
using providers::Result;
using switchboard::test::TestRsaPair;

constexpr char kTo[] = "14155550100";
constexpr char kSecret[] = "signature-secret";
using Strings = std::vector<std::string>;

class CarrierVonageTest : public testing::Test {
 protected:
  CarrierVonageTest() {
    account.provider = "vonage";
    account.base_url = carrier.base();
    account.settings = R"({"application_id":"app-1","settle_seconds":0})";
    account.secrets = {{"private_key", TestRsaPair().private_pem}};
    carrier.Configure(R"({"vonage_application":"app-1","vonage_public_key":)" +
                      core::JsonQuote(TestRsaPair().public_pem) +
                      R"(,"vonage_signature_secret":")" + kSecret + "\"}");
  }

  Job MakeJob(std::string kind, std::string payload) {
    Job job;
    job.id = std::to_string(++jobs);
    job.kind = std::move(kind);
    job.payload = std::move(payload);
    job.sending_at = Now();
    return job;
  }
  // A call that says hello, unless `more` says where to ask.
  Job Call(const std::string& more = R"("say":{"text":"Hello"})") {
    return MakeJob("call", R"({"to":"+14155550100","from":"+12015550100","status_url":")" +
                               carrier.base() + R"(/inbox/status?call=c1",)" + more + "}");
  }
  Job Update(const Result& placed, const std::string& more) {
    return MakeJob("call.update",
                   R"({"provider_call_id":")" + placed.provider_id + "\"," + more + "}");
  }
  void Order(const std::string& rule) {
    carrier.Configure(R"({"numbers":{")" + std::string(kTo) + "\":" + rule + "}}");
  }
  // The bodies of what came in under a path that begins like that.
  std::vector<core::Json> Inbox(const std::string& prefix) {
    std::vector<core::Json> bodies;
    const core::Json inbox = carrier.Get("/control/inbox");
    for (const core::JsonValue& request : core::Find(inbox, "requests")->GetArray()) {
      if (FindString(request, "target")->starts_with(prefix)) {
        bodies.push_back(core::ParseJson(*FindString(request, "body")));
      }
    }
    return bodies;
  }
  Strings Statuses(const std::string& prefix = "/inbox/status") {
    Strings statuses;
    for (const core::Json& body : Inbox(prefix)) {
      statuses.emplace_back(FindString(body, "status").value_or(""));
    }
    return statuses;
  }
  Strings Heard(std::string_view what) {
    Strings texts;
    const core::Json calls = carrier.Get("/control/calls");
    for (const core::JsonValue& text :
         core::Find((*core::Find(calls, "calls"))[0], what)->GetArray()) {
      texts.emplace_back(core::AsString(text));
    }
    return texts;
  }

  CarrierProcess carrier{{"--speed", "1000", "--seed", "7"}};
  Account account;
  int jobs = 0;
};

TEST_F(CarrierVonageTest, TellsTheLifeOfAnAnsweredCallInSignedWebhooks) {
  Order(R"({"outcome":"answered","talk_s":60})");
  const Result placed = RunJob(
      Call(R"("say":{"text":"Hello","language":"en-GB"},"machine_detection":"enable")"), account);
  ASSERT_EQ(placed.outcome, Outcome::kOk) << placed.error;
  ASSERT_TRUE(carrier.Reaches("webhooks.by_status.200", 5));
  EXPECT_EQ(Statuses(), (Strings{"started", "ringing", "answered", "human", "completed"}));
  EXPECT_EQ(Heard("said"), Strings{"Hello"});

  const core::Json inbox = carrier.Get("/control/inbox");
  for (const core::JsonValue& request : core::Find(inbox, "requests")->GetArray()) {
    const auto genuine = [&](std::string body) {
      return core::WebhookSignatureOk("vonage", kSecret, "https://h/x",
                                      core::ToJson(*core::Find(request, "headers")), body,
                                      std::chrono::floor<std::chrono::seconds>(Now()));
    };
    std::string body(*FindString(request, "body"));
    EXPECT_TRUE(genuine(body));
    body.back() ^= 1;
    EXPECT_FALSE(genuine(body));
    const core::Json event = core::ParseJson(*FindString(request, "body"));
    const bool who = FindString(event, "status") == "human";
    EXPECT_EQ(FindString(event, who ? "call_uuid" : "uuid"), placed.provider_id);
    EXPECT_EQ(FindString(event, who ? "uuid" : "call_uuid"), std::nullopt);
  }
  EXPECT_EQ(FindString(Inbox("/inbox/status").back(), "duration"), "60");
}

TEST_F(CarrierVonageTest, EndsCallsAsOrderedAndSaysCompletedOnTop) {
  const std::pair<const char*, const char*> ends[] = {
      {"busy", "busy"}, {"no-answer", "unanswered"}, {"failed", "failed"}};
  for (const auto& [outcome, status] : ends) {
    carrier.Post("/control/reset", "{}");
    Order(R"({"outcome":")" + std::string(outcome) + "\"}");
    EXPECT_EQ(RunJob(Call(), account).outcome, Outcome::kOk);
    ASSERT_TRUE(carrier.Reaches("by_status." + std::string(outcome), 1));
    ASSERT_TRUE(carrier.Reaches("webhooks.by_status.200", outcome[0] == 'f' ? 3 : 4));
    const Strings statuses = Statuses();
    EXPECT_EQ(statuses[statuses.size() - 2], status);
    EXPECT_EQ(statuses.back(), "completed");
    EXPECT_EQ(FindString(Inbox("/inbox/status").back(), "start_time"), std::nullopt);
  }
}

TEST_F(CarrierVonageTest, KnowsItsApplicationByItsToken) {
  const std::string url = carrier.base() + "/v1/calls";
  const auto status_of = [&](const std::string& authorization) {
    HttpRequest request;
    request.method = "GET";
    request.url = url;
    request.headers = {{"Authorization", authorization}};
    return Send(request).status;
  };
  for (const char* bad : {"", "Basic YTpi", "Bearer ", "Bearer a.b.c", "Bearer e30.e30."}) {
    EXPECT_EQ(status_of(bad), 401) << bad;
  }
  account.settings = R"({"application_id":"app-2"})";
  Result refused = RunJob(Call(), account);
  EXPECT_EQ(refused.code, "UNAUTHORIZED");
  EXPECT_TRUE(refused.account_fault);
  account.settings = R"({"application_id":"app-1"})";
  const auto* provider = providers::FindProvider("vonage");
  const auto late = std::get<HttpRequest>(provider->BuildRequest(Call(), account, Now() - 1h));
  EXPECT_EQ(Send(late).status, 401) << "an expired token";
  EXPECT_EQ(carrier.Stat("calls"), 0);
}

TEST_F(CarrierVonageTest, RefusesOrdersThatAreIncomplete) {
  EXPECT_EQ(
      RunJob(MakeJob("call", R"({"to":"+0","from":"+12015550100","say":{"text":"x"}})"), account)
          .outcome,
      Outcome::kSuppress);
  const auto* provider = providers::FindProvider("vonage");
  auto request = std::get<HttpRequest>(provider->BuildRequest(Call(), account, Now()));
  const std::string both = request.body;
  request.body = both.substr(0, both.size() - 1) + R"(,"answer_url":["http://x"]})";
  EXPECT_EQ(Send(request).status, 400) << "ncco and answer_url";
  request.body = R"({"to":[{"type":"phone","number":"14155550100"}],
                     "from":{"type":"phone","number":"12015550100"}})";
  EXPECT_EQ(Send(request).status, 400) << "neither";
  EXPECT_EQ(carrier.Stat("calls"), 0);
}

TEST_F(CarrierVonageTest, LimitsTheRate) {
  carrier.Configure(R"({"rate_limit":1})");
  Outcome last = Outcome::kOk;
  for (int i = 0; i < 10 && last == Outcome::kOk; ++i) last = RunJob(Call(), account).outcome;
  EXPECT_EQ(last, Outcome::kRetry);
}

TEST_F(CarrierVonageTest, AsksWhatToDoAndRingsTheAgent) {
  Order(R"({"outcome":"answered","talk_s":500})");
  carrier.Configure(
      R"({"inbox_answer":"[{\"action\":\"record\",\"eventUrl\":[\")" + carrier.base() +
      R"(/inbox/recording\"]},{\"action\":\"connect\",\"timeout\":20,\"eventUrl\":[\")" +
      carrier.base() +
      R"(/inbox/dial\"],\"endpoint\":[{\"type\":\"sip\",\"uri\":\"sip:ann@pbx\"}]}]"})");
  const Result placed =
      RunJob(Call(R"("answer_url":")" + carrier.base() + R"(/inbox/answer?call=c1")"), account);
  ASSERT_TRUE(carrier.Reaches("by_status.completed", 1)) << placed.error;
  ASSERT_TRUE(carrier.Reaches("webhooks.by_status.200", 9));
  EXPECT_EQ(Heard("dialed"), Strings{"sip:ann@pbx"});
  EXPECT_EQ(FindString(Inbox("/inbox/answer").front(), "uuid"), placed.provider_id);
  EXPECT_EQ(Statuses("/inbox/dial"), (Strings{"started", "ringing", "answered", "completed"}));
  const core::Json leg = std::move(Inbox("/inbox/dial").front());
  EXPECT_NE(FindString(leg, "uuid"), placed.provider_id);
  EXPECT_EQ(FindString(leg, "to"), "sip:ann@pbx");
  EXPECT_TRUE(FindString(Inbox("/inbox/recording").front(), "recording_uuid"));
}

TEST_F(CarrierVonageTest, AsksAgainWhenAnAgentDoesNotAnswer) {
  carrier.Configure(R"({"numbers":{"14155550100":{"outcome":"answered","talk_s":100},
                                   "sip:ann@pbx":{"outcome":"no-answer"}}})");
  carrier.Configure(
      R"({"inbox_answer":"[{\"action\":\"connect\",\"timeout\":30,\"eventType\":\"synchronous\",)"
      R"(\"eventUrl\":[\")" +
      carrier.base() +
      R"(/inbox/dial\"],\"endpoint\":[{\"type\":\"sip\",\"uri\":\"sip:ann@pbx\"}]}]"})");
  RunJob(Call(R"("answer_url":")" + carrier.base() + R"(/inbox/answer?call=c1")"), account);
  ASSERT_TRUE(carrier.Reaches("by_status.completed", 1));
  const Strings told = Statuses("/inbox/dial");
  ASSERT_GE(told.size(), 6u);
  EXPECT_EQ((Strings{told.begin(), told.begin() + 6}),
            (Strings{"started", "ringing", "timeout", "started", "ringing", "timeout"}));
  EXPECT_GE(Heard("dialed").size(), 2u);
}

TEST_F(CarrierVonageTest, WaitsAndAsksByNotification) {
  Order(R"({"outcome":"answered","talk_s":100})");
  carrier.Configure(
      R"({"inbox_answer":"[{\"action\":\"wait\",\"timeout\":10},{\"action\":\"notify\",)"
      R"(\"payload\":{\"n\":1},\"eventUrl\":[\")" +
      carrier.base() + R"(/inbox/again\"]}]"})");
  RunJob(Call(R"("answer_url":")" + carrier.base() + R"(/inbox/answer?call=c1")"), account);
  ASSERT_TRUE(carrier.Reaches("by_status.completed", 1));
  const auto again = Inbox("/inbox/again");
  ASSERT_GE(again.size(), 2u) << "each answer waits and asks again";
  EXPECT_EQ(core::FindInt(*core::Find(again.front(), "payload"), "n"), 1);
  EXPECT_FALSE(core::Find(again.front(), "uuid"));
}

TEST_F(CarrierVonageTest, HangsUpPlaysAndReports) {
  Order(R"({"outcome":"answered","ring_s":0,"talk_s":3600})");
  const Result placed = RunJob(Call(), account);
  ASSERT_TRUE(carrier.Reaches("by_status.in-progress", 1));
  EXPECT_EQ(RunJob(MakeJob("call.status", R"({"provider_call_id":")" + placed.provider_id + "\"}"),
                   account)
                .response_json,
            R"({"status":"answered"})");
  EXPECT_EQ(
      RunJob(Update(placed, R"("action":"play","audio_url":"https://x/a.mp3")"), account).outcome,
      Outcome::kOk);
  EXPECT_EQ(Heard("said"), (Strings{"Hello", "https://x/a.mp3"}));
  EXPECT_EQ(RunJob(Update(placed, R"("action":"hangup")"), account).outcome, Outcome::kOk);
  EXPECT_TRUE(carrier.Reaches("by_status.completed", 1));
  EXPECT_EQ(RunJob(Update(placed, R"("action":"hangup")"), account).outcome, Outcome::kOk)
      << "it is over already";
  const Result ended = RunJob(
      MakeJob("call.status", R"({"provider_call_id":")" + placed.provider_id + "\"}"), account);
  EXPECT_EQ(FindString(core::ParseJson(ended.response_json), "status"), "completed");
}

TEST_F(CarrierVonageTest, CallsInDoubtAreFoundOrAbsent) {
  carrier.Configure(R"({"next_faults":[{"on":"create","fault":"reset_after"}]})");
  const Job placed = Call();
  EXPECT_EQ(RunJob(placed, account).outcome, Outcome::kUnknown);
  const Result found = LookUpJob(placed, account);
  EXPECT_EQ(found.outcome, Outcome::kOk);
  const core::Json calls = carrier.Get("/control/calls");
  EXPECT_EQ(FindString((*core::Find(calls, "calls"))[0], "id"), found.provider_id);

  carrier.Post("/control/reset", "{}");
  carrier.Configure(R"({"next_faults":[{"on":"create","fault":"reset_before"}]})");
  const Job lost = Call();
  EXPECT_EQ(RunJob(lost, account).outcome, Outcome::kUnknown);
  EXPECT_EQ(LookUpJob(lost, account).outcome, Outcome::kAbsent);
}

}  // namespace
}  // namespace switchboard::carrier::test
