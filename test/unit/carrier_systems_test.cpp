// The carrier as an external call system: OmniDimension's agents, and packages by signed webhook.
#include "test/unit/carrier_test_support.hpp"
#include "workers/core/standard_webhooks.hpp"

namespace switchboard::carrier::test {
namespace {

using namespace std::chrono_literals;
using core::FindString;
using providers::Account;
using providers::Job;
using providers::Outcome;
using providers::Result;

constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

class CarrierSystemsTest : public testing::Test {
 protected:
  CarrierSystemsTest() {
    agents.provider = "omnidimension";
    agents.base_url = carrier.base() + "/api/v1";
    agents.settings = R"({"agent_id":1234,"settle_seconds":0})";
    agents.secrets = {{"api_key", "odkey"}};
    system.provider = "webhook";
    system.base_url = carrier.base() + "/packages/in";
    system.secrets = {{"signing_secret", kSecret}};
    carrier.Configure(R"({"omnidimension_key":"odkey","hook_secret":")" + std::string(kSecret) +
                      R"(","omnidimension_webhook":")" + carrier.base() +
                      R"(/inbox/omni","packages_report":")" + carrier.base() + "/inbox/report\"}");
  }

  Job MakeJob(const std::string& kind, std::string payload) {
    Job job;
    job.id = "job" + std::to_string(++jobs);
    job.kind = kind;
    job.payload = std::move(payload);
    job.sending_at = Now();
    return job;
  }
  Job AgentCall(const std::string& to) {
    return MakeJob("call", R"({"to":")" + to +
                               R"(","context":{"call_log_id":"c1","savings_amount": 150.00}})");
  }
  Job Package(const std::string& to) {
    return MakeJob("call", R"({"to":")" + to + R"(","body":{"phone_number": ")" + to +
                               R"(", "call_trigger_id": "t1", "savings_amount": 150.00}})");
  }
  Result Run(const Job& job, const Account& account) { return RunJob(job, account, timeout); }
  void FailNext(const std::string& fault) {
    carrier.Configure(R"({"next_faults":[{"on":"create","fault":")" + fault + "\"}]}");
  }
  // The last request that the inbox holds, once there are so many.
  core::Json Told(std::int64_t webhooks) {
    EXPECT_TRUE(carrier.Reaches("webhooks.by_status.200", webhooks));
    const core::Json inbox = carrier.Get("/control/inbox");
    const core::JsonValue& requests = *core::Find(inbox, "requests");
    return core::ParseJson(core::ToJson(requests[requests.Size() - 1]));
  }
  std::string FirstPackage() {
    const core::Json calls = carrier.Get("/control/calls");
    return core::FindText((*core::Find(calls, "calls"))[0], "package").value_or("");
  }

  CarrierProcess carrier{{"--speed", "1000", "--seed", "7"}};
  Account agents;
  Account system;
  std::chrono::milliseconds timeout{5000};
  int jobs = 0;
};

TEST_F(CarrierSystemsTest, SpeaksOmniDimension) {
  carrier.Configure(R"({"outcomes":{"answered":1},"omnidimension_zone_minutes":330})");
  const Job job = AgentCall("+14155550100");
  const Result placed = Run(job, agents);
  ASSERT_EQ(placed.outcome, Outcome::kOk) << placed.error;
  const core::Json request = Told(1);
  const core::Json webhook = core::ParseJson(*FindString(request, "body"));
  EXPECT_EQ(core::FindText(webhook, "call_request_id"), placed.provider_id);
  EXPECT_EQ(core::FindText(webhook, "call_status"), "completed");
  EXPECT_EQ(core::FindBool(webhook, "recording_url"), false);
  EXPECT_EQ(LookUpJob(job, agents).provider_id, placed.provider_id);
  EXPECT_EQ(LookUpJob(AgentCall("+14155550199"), agents).outcome, Outcome::kAbsent);
  EXPECT_NE(FirstPackage().find(R"("savings_amount": 150.00)"), std::string::npos);

  const Job ask = MakeJob("call.status", R"({"provider_call_id":")" + placed.provider_id + "\"}");
  EXPECT_NE(Run(ask, agents).response_json.find(R"("recording_url":"https://)"), std::string::npos);
}

TEST_F(CarrierSystemsTest, RefusesAsOmniDimensionDoes) {
  EXPECT_EQ(Run(AgentCall("+12"), agents).error, "bad to_number");
  agents.secrets["api_key"] = "wrong";
  EXPECT_TRUE(Run(AgentCall("+14155550100"), agents).account_fault);
}

TEST_F(CarrierSystemsTest, LosesAnswersOfDispatches) {
  for (const char* fault : {"500_after", "reset_after", "half_body"}) {
    FailNext(fault);
    EXPECT_EQ(Run(AgentCall("+14155550100"), agents).outcome, Outcome::kUnknown) << fault;
  }
  EXPECT_EQ(carrier.Stat("calls"), 3);
  FailNext("reset_before");
  Run(AgentCall("+14155550100"), agents);
  EXPECT_EQ(carrier.Stat("calls"), 3);
}

TEST_F(CarrierSystemsTest, CallsEachPackageOnceHoweverOftenItComes) {
  carrier.Configure(R"({"outcomes":{"answered":1}})");
  const Job job = Package("+14155550100");
  FailNext("500_after");
  EXPECT_EQ(Run(job, system).outcome, Outcome::kRetry);
  const Result placed = Run(job, system);
  ASSERT_EQ(placed.outcome, Outcome::kOk) << placed.error;
  EXPECT_EQ(Run(job, system).provider_id, placed.provider_id);
  EXPECT_EQ(carrier.Stat("calls"), 1);
  EXPECT_EQ(carrier.Stat("packages"), 3);
  EXPECT_EQ(
      FirstPackage(),
      R"({"phone_number": "+14155550100", "call_trigger_id": "t1", "savings_amount": 150.00})");
}

TEST_F(CarrierSystemsTest, ReportsTheLifeOfAPackageSigned) {
  carrier.Configure(R"({"outcomes":{"answered":1}})");
  const Result placed = Run(Package("+14155550100"), system);
  const core::Json request = Told(4);
  const std::string body(*FindString(request, "body"));
  const core::JsonValue& headers = *core::Find(request, "headers");
  const auto header = [&](const char* name) { return FindString(headers, name).value_or(""); };
  EXPECT_TRUE(core::StandardWebhookOk(kSecret, header("webhook-id"), header("webhook-timestamp"),
                                      header("webhook-signature"), body,
                                      std::chrono::floor<std::chrono::seconds>(Now())));
  const core::Json report = core::ParseJson(body);
  EXPECT_EQ(FindString(report, "call_id"), placed.provider_id);
  EXPECT_EQ(FindString(report, "call_trigger_id"), "t1");
  EXPECT_EQ(FindString(report, "status"), "completed");
  EXPECT_EQ(FindString(report, "sentiment"), "positive");
}

TEST_F(CarrierSystemsTest, CallsNobodyWhenItRefuses) {
  system.secrets["signing_secret"] = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
  EXPECT_TRUE(Run(Package("+14155550100"), system).account_fault);
  EXPECT_EQ(carrier.Stat("refused_packages"), 1);
  system.secrets["signing_secret"] = kSecret;
  for (const int status : {500, 410, 302}) {
    carrier.Configure(R"({"packages_status":)" + std::to_string(status) + "}");
    EXPECT_NE(Run(Package("+14155550100"), system).outcome, Outcome::kOk) << status;
  }
  EXPECT_EQ(carrier.Stat("calls"), 0);
}

}  // namespace
}  // namespace switchboard::carrier::test
