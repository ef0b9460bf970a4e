// The simulated carrier from outside, asked by the very requests the providers build.
#include <set>

#include "test/unit/carrier_test_support.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/webhook_signature.hpp"

namespace switchboard::carrier::test {
namespace {

using namespace std::chrono_literals;
using core::FindString;
using providers::Account;
using providers::Job;
using providers::Outcome;
using providers::Provider;
using providers::Result;

class CarrierTest : public testing::Test {
 protected:
  CarrierTest() {
    twilio.provider = "twilio";
    twilio.base_url = carrier.base();
    twilio.settings = R"({"account_sid":"AC1","settle_seconds":0})";
    twilio.secrets = {{"auth_token", "tok1"}};
    voipstudio.provider = "voipstudio";
    voipstudio.base_url = carrier.base() + "/v1.2/voipstudio";
    voipstudio.settings = R"({"settle_seconds":0})";
    voipstudio.secrets = {{"api_token", "vstoken"}};
    webhook.provider = "webhook";
    webhook.base_url = carrier.base() + "/hooks/a";
    webhook.secrets = {{"signing_secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}};
  }

  Job MakeJob(std::string kind, std::string payload) {
    Job job;
    job.id = std::to_string(++jobs);
    job.kind = std::move(kind);
    job.payload = std::move(payload);
    job.sending_at = Now();
    return job;
  }
  Job Call(const std::string& to, const std::string& reference) {
    return MakeJob("call", R"({"to":")" + to + R"(","from":"+15005550006","agent":"42598",
        "machine_detection":"enable","say":{"text":"Hello"},"status_url":")" +
                               carrier.base() + "/inbox/status?account=7&call=" + reference +
                               "\"}");
  }
  // A call that asks the inbox what to do once it is answered.
  Job CallWithAnswer(const std::string& to) {
    return MakeJob("call", R"({"to":")" + to + R"(","from":"+15005550006","answer_url":")" +
                               carrier.base() + "/inbox/answer?call=c1\"}");
  }
  void Say(const std::string& twiml) {
    core::JsonWriter json;
    json.BeginObject().Key("inbox_answer").String("<Response>" + twiml + "</Response>").EndObject();
    carrier.Configure(json.Take());
  }
  Result Run(const Job& job, const Account& account) { return RunJob(job, account, timeout); }
  Result LookUp(const Job& job, const Account& account) { return LookUpJob(job, account); }
  std::vector<core::FormFields> Inbox() {
    std::vector<core::FormFields> forms;
    const core::Json inbox = carrier.Get("/control/inbox");
    for (const core::JsonValue& request : core::Find(inbox, "requests")->GetArray()) {
      forms.push_back(core::ParseForm(*FindString(request, "body")));
    }
    return forms;
  }
  static std::string Field(const core::FormFields& form, std::string_view name) {
    for (const auto& [key, value] : form) {
      if (key == name) return value;
    }
    return "";
  }
  // The first word on how a Dial went; waits for it.
  core::FormFields DialStatus() {
    for (int tries = 0; tries < 500; ++tries) {
      for (const auto& form : Inbox()) {
        if (!Field(form, "DialCallStatus").empty()) return form;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {};
  }
  std::vector<std::string> Statuses() {
    std::vector<std::string> statuses;
    for (const auto& form : Inbox()) statuses.push_back(Field(form, "CallStatus"));
    return statuses;
  }
  std::string FirstCall(std::string_view key) {
    const core::Json calls = carrier.Get("/control/calls");
    return core::FindText((*core::Find(calls, "calls"))[0], key).value_or("");
  }

  CarrierProcess carrier{{"--speed", "1000", "--seed", "7", "--account", "AC1=tok1"}};
  Account twilio;
  Account voipstudio;
  Account webhook;
  std::chrono::milliseconds timeout{5000};
  int jobs = 0;
};

TEST_F(CarrierTest, TellsTheLifeOfAnAnsweredCallInSignedWebhooks) {
  carrier.Configure(R"({"numbers":{"+14155550100":{"outcome":"answered","talk_s":60}}})");
  const Result result = Run(Call("+14155550100", "c1"), twilio);
  ASSERT_EQ(result.outcome, Outcome::kOk) << result.error;
  ASSERT_TRUE(carrier.Reaches("webhooks.by_status.200", 4));

  EXPECT_EQ(Statuses(),
            (std::vector<std::string>{"initiated", "ringing", "in-progress", "completed"}));
  const core::Json inbox = carrier.Get("/control/inbox");
  int sequence = 0;
  for (const core::JsonValue& request : core::Find(inbox, "requests")->GetArray()) {
    const std::string body(*FindString(request, "body"));
    EXPECT_TRUE(core::WebhookSignatureOk(
        "twilio", "tok1", carrier.base() + std::string(*FindString(request, "target")),
        core::ToJson(*core::Find(request, "headers")), body, {}));
    const core::FormFields form = core::ParseForm(body);
    EXPECT_EQ(Field(form, "CallSid"), result.provider_id);
    EXPECT_EQ(Field(form, "SequenceNumber"), std::to_string(sequence++));
  }
  const core::FormFields last = Inbox().back();
  EXPECT_EQ(Field(last, "CallDuration"), "60");
  EXPECT_EQ(Field(last, "AnsweredBy"), "human");
  EXPECT_EQ(FirstCall("reference"), "c1");
  EXPECT_EQ(FirstCall("status"), "completed");
}

TEST_F(CarrierTest, EndsCallsAsOrderedByNumber) {
  carrier.Configure(R"({"numbers":{"+14155550101":{"outcome":"busy"},
    "+14155550102":{"outcome":"no-answer"},"+14155550103":{"outcome":"failed"},
    "+14155550104":{"outcome":"machine","talk_s":5}}})");
  for (int i = 1; i <= 4; ++i) {
    EXPECT_EQ(Run(Call("+1415555010" + std::to_string(i), "c" + std::to_string(i)), twilio).outcome,
              Outcome::kOk);
  }
  ASSERT_TRUE(carrier.Reaches("by_status.busy", 1));
  ASSERT_TRUE(carrier.Reaches("by_status.no-answer", 1));
  ASSERT_TRUE(carrier.Reaches("by_status.failed", 1));
  ASSERT_TRUE(carrier.Reaches("by_status.completed", 1));
  std::set<std::string> answered_by;
  for (const auto& form : Inbox()) answered_by.insert(Field(form, "AnsweredBy"));
  EXPECT_EQ(answered_by, (std::set<std::string>{"", "machine_start"}));
}

TEST_F(CarrierTest, TheSameSeedTellsTheSameStoryInAnyOrder) {
  const auto outcomes = [&](bool backwards) {
    carrier.Post("/control/reset", "");
    for (int i = 0; i < 40; ++i) {
      const int number = 10 + (backwards ? 39 - i : i);
      Run(Call("+141555501" + std::to_string(number), "c" + std::to_string(number)), twilio);
    }
    std::set<std::string> story;
    const core::Json calls = carrier.Get("/control/calls");
    for (const core::JsonValue& call : core::Find(calls, "calls")->GetArray()) {
      story.insert(std::string(*FindString(call, "to")) + " " +
                   std::string(*FindString(call, "outcome")));
    }
    return story;
  };
  const std::set<std::string> forwards = outcomes(false);
  EXPECT_EQ(forwards.size(), 40u);
  EXPECT_EQ(outcomes(true), forwards);
}

TEST_F(CarrierTest, FetchesAndPerformsTwiml) {
  carrier.Configure(R"({"outcomes":{"answered":1},
    "inbox_answer":"<Response><Say>Good day</Say><Dial><Number>+14155550199</Number></Dial></Response>"})");
  const Job job = MakeJob("call", R"({"to":"+14155550100","from":"+15005550006","answer_url":")" +
                                      carrier.base() + "/inbox/answer?call=c1\"}");
  ASSERT_EQ(Run(job, twilio).outcome, Outcome::kOk);
  ASSERT_TRUE(carrier.Reaches("by_status.completed", 1));
  const core::Json calls = carrier.Get("/control/calls");
  const core::JsonValue& call = (*core::Find(calls, "calls"))[0];
  EXPECT_EQ(core::ToJson(*core::Find(call, "said")), R"(["Good day"])");
  EXPECT_EQ(core::ToJson(*core::Find(call, "dialed")), R"(["+14155550199"])");
  EXPECT_EQ(*FindString(call, "reference"), "c1");
}

TEST_F(CarrierTest, RingsAgentsForAnsweredCallsAndTellsHowItWent) {
  carrier.Configure(R"({"numbers":{"+14155550100":{"outcome":"answered","talk_s":60},
    "+14155550101":{"outcome":"answered","talk_s":9000},"deaf":{"outcome":"no-answer"}}})");
  const std::string dial =
      "<Dial timeout=\"15\" action=\"" + carrier.base() + "/inbox/dialed\">";
  Say(dial + "<Client>ada</Client></Dial>");
  ASSERT_EQ(Run(CallWithAnswer("+14155550100"), twilio).outcome, Outcome::kOk);
  ASSERT_EQ(Field(DialStatus(), "DialCallStatus"), "completed");
  EXPECT_GE(std::stoi(Field(DialStatus(), "DialCallDuration")), 59);
  EXPECT_EQ(carrier.Stat("agents.answered"), 1);

  ASSERT_EQ(carrier.Post("/control/reset", ""), 200);
  Say(dial + "<Sip>deaf</Sip></Dial>");
  ASSERT_EQ(Run(CallWithAnswer("+14155550101"), twilio).outcome, Outcome::kOk);
  ASSERT_TRUE(carrier.Reaches("agents.rung", 2));  // told that nobody answered, it says: again
  EXPECT_EQ(Field(DialStatus(), "DialCallStatus"), "no-answer");
  EXPECT_EQ(carrier.Stat("agents.answered"), 0);
}

TEST_F(CarrierTest, WaitsAndAsksAgainAndHangsUp) {
  carrier.Configure(R"({"numbers":{"+14155550100":{"outcome":"answered","talk_s":3600}}})");
  Say("<Pause length=\"1\"/><Redirect>" + carrier.base() + "/inbox/again</Redirect>");
  ASSERT_EQ(Run(CallWithAnswer("+14155550100"), twilio).outcome, Outcome::kOk);
  for (int tries = 0; tries < 500 && Inbox().size() < 20; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_GE(Inbox().size(), 20u);
  Say("<Gather><Say>Sorry.</Say></Gather><Hangup/>");
  ASSERT_TRUE(carrier.Reaches("by_status.completed", 1));
  const core::Json calls = carrier.Get("/control/calls");
  EXPECT_LT(core::FindInt((*core::Find(calls, "calls"))[0], "duration_s").value_or(0), 3000);
}

TEST_F(CarrierTest, HangsUpAndCancelsOnRequest) {
  carrier.Configure(R"({"speed":10,"outcomes":{"answered":1},"ring_min_s":1,"ring_max_s":1,
    "numbers":{"+14155550100":{"talk_s":3000},"+14155550101":{"ring_s":60}}})");
  const std::string talking = Run(Call("+14155550100", "c1"), twilio).provider_id;
  const std::string ringing = Run(Call("+14155550101", "c2"), twilio).provider_id;
  ASSERT_TRUE(carrier.Reaches("by_status.in-progress", 1));
  const auto change = [&](const std::string& sid, const std::string& action) {
    return Run(MakeJob("call.update",
                       R"({"provider_call_id":")" + sid + R"(","action":")" + action + "\"}"),
               twilio);
  };
  EXPECT_EQ(change(talking, "cancel").code, "21220");
  EXPECT_EQ(change(talking, "hangup").outcome, Outcome::kOk);
  EXPECT_EQ(change(ringing, "cancel").outcome, Outcome::kOk);
  EXPECT_EQ(change("CA_unknown", "hangup").code, "20404");
  EXPECT_EQ(carrier.Stat("by_status.completed"), 1);
  EXPECT_EQ(carrier.Stat("by_status.canceled"), 1);
  EXPECT_EQ(carrier.Stat("live"), 0);
}

TEST_F(CarrierTest, TellsOfMachinesAndRecordingsMeanwhile) {
  carrier.Configure(R"({"numbers":{"+14155550100":{"outcome":"machine","talk_s":60}},
    "inbox_answer":"<Response><Say>Good day</Say></Response>"})");
  const std::string inbox = carrier.base() + "/inbox/";
  const Job job = MakeJob(
      "call",
      R"({"to":"+14155550100","from":"+15005550006","machine_detection":"enable","amd_url":")" +
          inbox + R"(amd","record":true,"recording_url":")" + inbox +
          R"(recording","answer_url":")" + inbox + "answer\"}");
  const std::string sid = Run(job, twilio).provider_id;
  ASSERT_TRUE(carrier.Reaches("webhooks.by_status.200", 2));
  ASSERT_TRUE(carrier.Reaches("by_status.completed", 1));
  core::FormFields machine;
  core::FormFields recording;
  for (const auto& form : Inbox()) {
    const bool of_status = !Field(form, "CallStatus").empty();
    EXPECT_FALSE(of_status && !Field(form, "AnsweredBy").empty());
    if (!Field(form, "AnsweredBy").empty()) machine = form;
    if (!Field(form, "RecordingStatus").empty()) recording = form;
  }
  EXPECT_EQ(Field(machine, "CallSid"), sid);
  EXPECT_EQ(Field(machine, "AnsweredBy"), "machine_start");
  EXPECT_EQ(Field(recording, "RecordingStatus"), "completed");
  EXPECT_EQ(Field(recording, "RecordingDuration"), "60");
}

TEST_F(CarrierTest, PlaysIntoALiveCallAndSaysHowItStands) {
  carrier.Configure(R"({"speed":10,"outcomes":{"answered":1},"ring_min_s":1,"ring_max_s":1,
    "numbers":{"+14155550100":{"talk_s":3000}}})");
  const std::string sid = Run(Call("+14155550100", "c1"), twilio).provider_id;
  ASSERT_TRUE(carrier.Reaches("by_status.in-progress", 1));
  const auto control = [&](const std::string& kind, const std::string& more) {
    return Run(MakeJob(kind, R"({"provider_call_id":")" + sid + "\"" + more + "}"), twilio);
  };
  EXPECT_EQ(control("call.status", "").response_json,
            R"({"status":"answered","answered_by":"human"})");
  EXPECT_EQ(control("call.update", R"(,"action":"play","audio_url":"https://a/h.mp3")").outcome,
            Outcome::kOk);
  const core::Json calls = carrier.Get("/control/calls");
  const core::JsonValue& said = *core::Find((*core::Find(calls, "calls"))[0], "said");
  EXPECT_EQ(core::AsString(said[said.Size() - 1]), "https://a/h.mp3");
  EXPECT_EQ(control("call.update", R"(,"action":"hangup")").outcome, Outcome::kOk);
  EXPECT_NE(control("call.status", "").response_json.find(R"("status":"completed")"),
            std::string::npos);
}

TEST_F(CarrierTest, RefusesAsTwilioDoes) {
  const auto code = [&](const std::string& to, const std::string& from) {
    return Run(MakeJob("call",
                       R"({"to":")" + to + R"(","from":")" + from + R"(","say":{"text":"x"}})"),
               twilio)
        .code;
  };
  EXPECT_EQ(code("+15005550001", "+15005550006"), "21217");
  EXPECT_EQ(code("+15005550002", "+15005550006"), "21214");
  EXPECT_EQ(code("+15005550003", "+15005550006"), "21215");
  EXPECT_EQ(code("+15005550004", "+15005550006"), "21216");
  EXPECT_EQ(code("+14155550100", "+15005550001"), "21212");
  EXPECT_EQ(code("12", "+15005550006"), "21211");
  twilio.secrets["auth_token"] = "wrong";
  const Result denied = Run(Call("+14155550100", "c"), twilio);
  EXPECT_EQ(denied.code, "20003");
  EXPECT_TRUE(denied.account_fault);
  EXPECT_EQ(carrier.Stat("calls"), 0);
}

TEST_F(CarrierTest, RefusesBeyondItsRate) {
  carrier.Configure(R"({"rate_limit":1})");
  int refused = 0;
  for (int i = 0; i < 5; ++i) {
    const Result result = Run(Call("+14155550100", "c" + std::to_string(i)), twilio);
    if (result.outcome != Outcome::kRetry) continue;
    ++refused;
    EXPECT_EQ(result.code, "20429");
    EXPECT_EQ(result.retry_after, 1s);
  }
  EXPECT_GE(refused, 3);
}

struct FaultCase {
  const char* fault;
  Outcome outcome;
  int placed;
};

TEST_F(CarrierTest, MisbehavesOnRequestAndOwnsUpToWhatItDialed) {
  timeout = 300ms;
  carrier.Configure(R"({"huge_bytes":4000000,"slow_ms":600})");
  for (const FaultCase& c : {FaultCase{"reset_before", Outcome::kUnknown, 0},
                             {"reset_after", Outcome::kUnknown, 1},
                             {"429", Outcome::kRetry, 0},
                             {"503", Outcome::kRetry, 0},
                             {"500_after", Outcome::kUnknown, 1},
                             {"half_body", Outcome::kUnknown, 1},
                             {"huge_body", Outcome::kUnknown, 1},
                             {"hang", Outcome::kUnknown, 1},
                             {"hang_before", Outcome::kUnknown, 0},
                             {"slow", Outcome::kUnknown, 1}}) {
    SCOPED_TRACE(c.fault);
    carrier.Post("/control/reset", "");
    carrier.Configure(R"({"next_faults":[{"on":"create","fault":")" + std::string(c.fault) +
                      "\"}]}");
    const Job job = Call("+14155550100", "c1");
    EXPECT_EQ(Run(job, twilio).outcome, c.outcome);
    EXPECT_EQ(carrier.Stat("calls"), c.placed);
    EXPECT_EQ(carrier.Stat("faults." + std::string(c.fault)), 1);
    // Every doubt can be settled by asking, to the truth.
    const Result settled = LookUp(job, twilio);
    EXPECT_EQ(settled.outcome, c.placed == 1 ? Outcome::kOk : Outcome::kAbsent);
    if (c.placed == 1) {
      EXPECT_EQ(settled.provider_id, FirstCall("id"));
    }
  }
}

TEST_F(CarrierTest, FaultsByProbabilityDoNotStickToANumber) {
  carrier.Configure(R"({"faults":{"429":0.5}})");
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    if (Run(Call("+14155550100", "c" + std::to_string(i)), twilio).outcome == Outcome::kRetry) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 5);
  EXPECT_LT(refused, 35);
  EXPECT_EQ(carrier.Stat("calls"), 40 - refused);
}

TEST_F(CarrierTest, CountsTheSameReferenceDialedTwice) {
  Run(Call("+14155550100", "c1"), twilio);
  Run(Call("+14155550100", "c1"), twilio);
  Run(Call("+14155550100", "c2"), twilio);
  EXPECT_EQ(carrier.Stat("calls"), 3);
  EXPECT_EQ(carrier.Stat("duplicate_calls"), 1);
}

TEST_F(CarrierTest, RepeatsDelaysAndShufflesWebhooks) {
  carrier.Configure(R"({"repeat":1,"shuffle":true,"late_ms":50,"outcomes":{"answered":1}})");
  for (int i = 0; i < 5; ++i)
    Run(Call("+1415555010" + std::to_string(i), "c" + std::to_string(i)), twilio);
  ASSERT_TRUE(carrier.Reaches("webhooks.by_status.200", 40));
  EXPECT_EQ(carrier.Stat("webhooks.repeated"), 20);
  std::multiset<std::string> seen;
  bool in_order = true;
  std::map<std::string, int> last;
  for (const auto& form : Inbox()) {
    const int sequence = std::stoi(Field(form, "SequenceNumber"));
    seen.insert(Field(form, "CallSid") + " " + std::to_string(sequence));
    in_order = in_order && sequence >= last[Field(form, "CallSid")];
    last[Field(form, "CallSid")] = sequence;
  }
  EXPECT_FALSE(in_order);
  for (const std::string& event : seen) EXPECT_EQ(seen.count(event), 2u) << event;
}

TEST_F(CarrierTest, DeliversMessagesAndListsThem) {
  carrier.Configure(R"({"message_outcomes":{"delivered":1}})");
  const Job job =
      MakeJob("message", R"({"channel":"whatsapp","to":"+14155550100","from":"+15005550006",
        "body":"Hi","status_url":")" +
                             carrier.base() + "/inbox/message?message=m1\"}");
  const Result sent = Run(job, twilio);
  ASSERT_EQ(sent.outcome, Outcome::kOk);
  ASSERT_TRUE(carrier.Reaches("webhooks.by_status.200", 2));
  EXPECT_EQ(Field(Inbox()[0], "MessageStatus"), "sent");
  EXPECT_EQ(Field(Inbox()[1], "MessageStatus"), "delivered");
  EXPECT_EQ(LookUp(job, twilio).provider_id, sent.provider_id);
  EXPECT_EQ(LookUp(MakeJob("message", R"({"channel":"whatsapp","to":"+14155550100",
        "from":"+15005550006","body":"Other"})"),
                   twilio)
                .outcome,
            Outcome::kAbsent);
}

TEST_F(CarrierTest, FindsACallAmongManyPages) {
  carrier.Configure(R"({"outcomes":{"failed":1}})");
  const Job job = Call("+14155550100", "c");
  for (int i = 0; i < 230; ++i) Run(job, twilio);
  EXPECT_EQ(LookUp(job, twilio).outcome, Outcome::kOk);
  Job other = job;
  other.sending_at = Now() - 24h;
  EXPECT_EQ(LookUp(other, twilio).outcome, Outcome::kAbsent);
}

TEST_F(CarrierTest, SpeaksVoipStudio) {
  carrier.Configure(R"({"voipstudio_token":"vstoken","offline_agents":["999"],"speed":20,
    "outcomes":{"answered":1},"voipstudio_events":")" +
                    carrier.base() + "/inbox/events\"}");
  const Job job = Call("+442071234567", "");
  const Result placed = Run(job, voipstudio);
  ASSERT_EQ(placed.outcome, Outcome::kOk) << placed.error;
  EXPECT_EQ(LookUp(job, voipstudio).provider_id, placed.provider_id);

  const Job hang_up = MakeJob(
      "call.update", R"({"provider_call_id":")" + placed.provider_id + R"(","action":"hangup"})");
  EXPECT_EQ(Run(hang_up, voipstudio).outcome, Outcome::kOk);
  EXPECT_EQ(carrier.Stat("live"), 0);
  EXPECT_EQ(LookUp(job, voipstudio).provider_id, placed.provider_id);  // now among the records
  EXPECT_EQ(LookUp(Call("+442071234568", ""), voipstudio).outcome, Outcome::kAbsent);

  ASSERT_TRUE(carrier.Reaches("webhooks.by_status.200", 1));
  const core::Json inbox = carrier.Get("/control/inbox");
  const core::JsonValue& requests = *core::Find(inbox, "requests");
  const core::Json last = core::ParseJson(*FindString(requests[requests.Size() - 1], "body"));
  EXPECT_EQ(*FindString(last, "state"), "HANGUP");
  EXPECT_EQ(*core::FindBool(last, "final"), true);
}

TEST_F(CarrierTest, RefusesAsVoipStudioDoes) {
  carrier.Configure(R"({"voipstudio_token":"vstoken","offline_agents":["999"],
    "voipstudio_per_minute":1})");
  const auto call = [&](const std::string& to, const std::string& agent) {
    return Run(MakeJob("call", R"({"to":")" + to + R"(","agent":")" + agent + "\"}"), voipstudio);
  };
  EXPECT_EQ(call("+442071234567", "999").code, "agent_offline");
  EXPECT_EQ(call("x", "1").outcome, Outcome::kPermanent);
  EXPECT_EQ(call("+442071234567", "1").outcome, Outcome::kOk);
  std::string code = call("+442071234568", "1").code;
  if (code.empty()) code = call("+442071234569", "1").code;  // a new minute had begun
  EXPECT_EQ(code, "rate_limit");
  voipstudio.secrets["api_token"] = "wrong";
  EXPECT_TRUE(call("+442071234567", "1").account_fault);
}

TEST_F(CarrierTest, ReceivesSignedWebhooksAndCountsRepeats) {
  carrier.Configure(R"({"hook_secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})");
  const Job job = MakeJob("webhook", R"({"type":"call.completed","data":{}})");
  EXPECT_EQ(Run(job, webhook).outcome, Outcome::kOk);
  EXPECT_EQ(Run(job, webhook).outcome, Outcome::kOk);
  EXPECT_EQ(carrier.Stat("hooks"), 2);
  EXPECT_EQ(carrier.Stat("duplicate_hooks"), 1);

  webhook.secrets["signing_secret"] = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
  EXPECT_EQ(Run(job, webhook).outcome, Outcome::kRetry);
  EXPECT_EQ(carrier.Stat("refused_hooks"), 1);

  carrier.Configure(R"({"hook_status":410,"hook_secret":""})");
  EXPECT_TRUE(Run(job, webhook).account_fault);
  carrier.Configure(R"({"hook_status":302})");
  EXPECT_EQ(Run(job, webhook).outcome, Outcome::kRetry);
  EXPECT_EQ(carrier.Stat("hooks"), 2);
}

TEST_F(CarrierTest, RefusesSettingsItDoesNotKnowAndChangesNothing) {
  for (const char* bad :
       {R"({"sped":1})", R"({"hook_status":500,"outcomes":{"vanished":1}})",
        R"({"faults":{"sulk":1}})", R"({"speed":0})", R"({"speed":"fast"})", "[]", "{"}) {
    EXPECT_EQ(carrier.Post("/control/config", bad), 400) << bad;
  }
  EXPECT_EQ(carrier.Post("/hooks/a", "{}"), 401);  // no webhook-id; not 500
}

TEST_F(CarrierTest, StopsPolitely) { EXPECT_EQ(carrier.Stop(), 0); }

}  // namespace
}  // namespace switchboard::carrier::test
