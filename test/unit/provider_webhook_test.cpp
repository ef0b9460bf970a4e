#include <gtest/gtest.h>

#include "test/unit/provider_test_support.hpp"

namespace switchboard::providers {
namespace {

using namespace std::chrono_literals;
using test::Answer;
using test::Broken;
using test::kThen;

class WebhookTest : public testing::Test {
 protected:
  WebhookTest() {
    account.base_url = "https://hooks.example/in";
    account.secrets = {{"signing_secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}};
  }

  Built Build(std::string id, std::string payload, Instant now) {
    Job job;
    job.id = std::move(id);
    job.kind = "webhook";
    job.payload = std::move(payload);
    return webhook.BuildRequest(job, account, now);
  }
  Result Interpret(const HttpResponse& response) {
    Job job;
    job.id = "1";
    job.kind = "webhook";
    return webhook.Interpret(job, account, response, kThen);
  }

  const Provider& webhook = test::Get("webhook");
  Account account;
};

TEST_F(WebhookTest, SignsTheOfficialVector) {
  EXPECT_EQ(test::Spell(Build("p5jXN8AQM9LWM0D4loKWxJek", R"({"body":{"test": 2432232314}})",
                              test::At(1614265330))),
            test::ReadFile("webhook/official.request"));
}

TEST_F(WebhookTest, SignsWithBothSecretsDuringRotation) {
  account.secrets = {
      {"signing_secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="},
      {"previous_signing_secret", "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="}};
  EXPECT_EQ(
      test::Spell(Build(
          "000000000000000000000001",
          R"({"type":"call.completed","timestamp":"2026-01-01T00:00:00Z","data":{"name":"Zoë"}})",
          test::At(1767225600))),
      test::ReadFile("webhook/rotated.request"));
}

TEST_F(WebhookTest, KeepsItsIdAndRenewsItsTimestampAtEveryAttempt) {
  const auto first = std::get<HttpRequest>(Build("1", "{}", kThen));
  const auto second = std::get<HttpRequest>(Build("1", "{}", kThen + 10s));
  EXPECT_EQ(*FindHeader(first.headers, "webhook-id"), *FindHeader(second.headers, "webhook-id"));
  EXPECT_NE(*FindHeader(first.headers, "webhook-timestamp"),
            *FindHeader(second.headers, "webhook-timestamp"));
}

TEST_F(WebhookTest, PassesTheBodyOnByteForByte) {
  EXPECT_EQ(std::get<HttpRequest>(
                Build("1", R"({"body": {"amount": 1.10,  "big": 12345678901234567890123}})", kThen))
                .body,
            R"({"amount": 1.10,  "big": 12345678901234567890123})");
}

TEST_F(WebhookTest, BlamesTheAccountForWhatItLacks) {
  account.secrets = {{"signing_secret", "whsec_not*base64"}};
  const Result bad = std::get<Result>(Build("1", "{}", kThen));
  EXPECT_TRUE(bad.account_fault);
  EXPECT_EQ(bad.error.find("not*base64"), std::string::npos);
  account.secrets.clear();
  EXPECT_TRUE(std::get<Result>(Build("1", "{}", kThen)).account_fault);
  account.base_url.clear();
  EXPECT_TRUE(std::get<Result>(Build("1", "{}", kThen)).account_fault);
}

TEST_F(WebhookTest, JudgesAnswersByTheTable) {
  for (const auto& row : test::ReadTable("webhook/answers.tsv")) {
    SCOPED_TRACE(row[0]);
    Headers headers;
    if (!row[1].empty()) headers = {{"Retry-After", row[1]}};
    const Result result = Interpret(Answer(std::stoi(row[0]), "anything", headers));
    EXPECT_EQ(OutcomeName(result.outcome), row[2]);
    EXPECT_EQ(result.account_fault, row[3] == "1");
    EXPECT_EQ(result.retry_after.has_value(), !row[1].empty());
  }
}

TEST_F(WebhookTest, RepeatsWhenTheAnswerIsLost) {
  EXPECT_EQ(Interpret(Broken(Transport::kTimeout, 500)).outcome, Outcome::kRetry);
  EXPECT_EQ(Interpret(Broken(Transport::kReset, 500)).outcome, Outcome::kRetry);
  EXPECT_EQ(Interpret(Broken(Transport::kRefused, 0)).outcome, Outcome::kRetry);
  const Result blocked = Interpret(Broken(Transport::kBlocked, 0));
  EXPECT_EQ(blocked.outcome, Outcome::kPermanent);
  EXPECT_TRUE(blocked.account_fault);
}

TEST_F(WebhookTest, IsDeliveredEvenWhenTheReceiverTalksTooMuch) {
  HttpResponse response = Answer(200);
  response.transport = Transport::kTooBig;
  EXPECT_EQ(Interpret(response).outcome, Outcome::kOk);
}

// A package as PostgreSQL spells it.
constexpr char kCall[] =
    R"({"to": "+12015550123", "body": {"new_price": 849.99, "discount": "15%", "coupon_code": null, "savings_amount": 150.00}, "call_log_id": "c1"})";

class WebhookCallTest : public WebhookTest {
 protected:
  Built Build(Instant now = kThen) { return webhook.BuildRequest(job, account, now); }
  std::string Id(const HttpResponse& response) {
    const Result result = webhook.Interpret(job, account, response, kThen);
    return result.outcome == Outcome::kOk ? result.provider_id
                                          : std::string(OutcomeName(result.outcome));
  }
  WebhookCallTest() {
    job.id = "0190b3c2-7d1e-7a44-9c1f-0a1b2c3d4e5f";
    job.kind = "call";
    job.payload = kCall;
  }
  Job job;
};

TEST_F(WebhookCallTest, HandsThePackageOverAsRecorded) {
  EXPECT_EQ(test::Spell(Build()), test::ReadFile("webhook/call.request"));
}

TEST_F(WebhookCallTest, KeepsItsIdAtEveryAttempt) {
  const auto first = std::get<HttpRequest>(Build());
  job.attempt = 5;
  const auto fifth = std::get<HttpRequest>(Build(kThen + 1h));
  EXPECT_EQ(*FindHeader(first.headers, "webhook-id"), *FindHeader(fifth.headers, "webhook-id"));
  EXPECT_EQ(first.body, fifth.body);
}

TEST_F(WebhookCallTest, KnowsTheCallByTheAnswerElseByItsOwnId) {
  const std::string own = "msg_0190b3c2-7d1e-7a44-9c1f-0a1b2c3d4e5f";
  EXPECT_EQ(Id(Answer(200, R"({"call_id":"dial-77"})")), "dial-77");
  EXPECT_EQ(Id(Answer(202, R"({"ok":true,"call_id":77})")), "77");
  for (const std::string& body :
       {std::string(), std::string("thanks"), std::string("[]"), std::string("{}"),
        std::string(R"({"call_id":null})"), std::string(R"({"call_id":""})"),
        R"({"call_id":")" + std::string(101, 'x') + "\"}"}) {
    EXPECT_EQ(Id(Answer(200, body)), own) << body;
  }
  HttpResponse too_big = Answer(200, R"({"call_id":"half)");
  too_big.transport = Transport::kTooBig;
  EXPECT_EQ(Id(too_big), own);
}

TEST_F(WebhookCallTest, JudgesAnswersAsThoseOfAnyWebhook) {
  for (const auto& row : test::ReadTable("webhook/answers.tsv")) {
    const Result result =
        webhook.Interpret(job, account, Answer(std::stoi(row[0]), "anything"), kThen);
    EXPECT_EQ(OutcomeName(result.outcome), row[2]) << row[0];
    EXPECT_EQ(result.account_fault, row[3] == "1") << row[0];
  }
  EXPECT_EQ(Id(Broken(Transport::kTimeout, 500)), "retry");
}

TEST_F(WebhookCallTest, NamesWhatWasPerhapsTaken) {
  const auto name = [&](const HttpResponse& response) {
    return webhook.Interpret(job, account, response, kThen).provider_id;
  };
  EXPECT_EQ(name(Broken(Transport::kTimeout, 500)), "msg_" + job.id);
  EXPECT_EQ(name(Broken(Transport::kReset, 500)), "msg_" + job.id);
  EXPECT_EQ(name(Broken(Transport::kRefused, 0)), "");
  EXPECT_EQ(name(Answer(500)), "");
}

}  // namespace
}  // namespace switchboard::providers
