// What every queue store promises the engine.

#include <algorithm>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "test/contract/store_harness.hpp"

namespace switchboard::testing {
namespace {

using engine::ClaimedJob;
using engine::ClaimRequest;
using engine::Finished;
using engine::JobKey;
using engine::QueueStore;
using engine::StoreError;
using engine::StoreResult;
using engine::TurnReply;
using engine::TurnRequest;
using providers::Outcome;
using namespace std::chrono_literals;

class StoreContract : public ::testing::TestWithParam<HarnessMaker> {
 protected:
  void SetUp() override {
    harness = GetParam().make();
    ASSERT_TRUE(std::holds_alternative<engine::HelloReply>(Hello(harness->Main())));
  }

  // Makes a call and waits for its answer.
  template <class T, class Call>
  StoreResult<T> Await(Call call) {
    std::optional<StoreResult<T>> result;
    call([&result](StoreResult<T> got) { result = std::move(got); });
    EXPECT_FALSE(result) << "answered from inside the call";
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!result && std::chrono::steady_clock::now() < end) harness->Pump();
    if (!result) return StoreError{"", "no answer", true};
    return std::move(*result);
  }
  template <class T>
  static T Value(StoreResult<T> result) {
    if (auto* error = std::get_if<StoreError>(&result)) {
      ADD_FAILURE() << error->sqlstate << " " << error->message;
      return {};
    }
    return std::get<T>(std::move(result));
  }

  StoreResult<engine::HelloReply> Hello(QueueStore& store, std::vector<JobKey> held = {}) {
    return Await<engine::HelloReply>([&](auto callback) { store.Hello(held, callback); });
  }
  TurnReply Turn(QueueStore& store, std::vector<Finished> finished,
                 std::optional<ClaimRequest> claim) {
    TurnRequest request;
    request.finished = finished;
    request.claim = std::move(claim);
    return Value(Await<TurnReply>([&](auto callback) { store.Turn(request, callback); }));
  }
  static ClaimRequest Claim(int limit) {
    ClaimRequest claim;
    claim.limit = limit;
    claim.discover = true;
    claim.default_cap = limit;
    return claim;
  }
  std::vector<ClaimedJob> ClaimJobs(QueueStore& store, int limit) {
    return Turn(store, {}, Claim(limit)).jobs;
  }
  ClaimedJob ClaimOne(QueueStore& store) {
    const std::vector<ClaimedJob> jobs = ClaimJobs(store, 1);
    EXPECT_EQ(jobs.size(), 1u);
    return jobs.empty() ? ClaimedJob{} : jobs[0];
  }
  static Finished Result(const ClaimedJob& job, Outcome outcome) {
    Finished finished;
    finished.key = job.key;
    finished.outcome = outcome;
    finished.code = "code";
    finished.error = "what went wrong: \"\\ \x01 \xff";
    finished.retry_in = 0ms;
    return finished;
  }
  TurnReply Record(QueueStore& store, const Finished& finished) {
    return Turn(store, {finished}, std::nullopt);
  }
  engine::SendingReply Note(QueueStore& store, const JobKey& key) {
    const std::vector<JobKey> keys{key};
    return Value(
        Await<engine::SendingReply>([&](auto callback) { store.NoteSending(keys, callback); }));
  }
  std::vector<std::string> Renew(QueueStore& store, const JobKey& key) {
    const std::vector<JobKey> keys{key};
    return Value(Await<std::vector<std::string>>(
        [&](auto callback) { store.Renew(keys, 60000ms, callback); }));
  }
  void Release(QueueStore& store, const JobKey& key) {
    const std::vector<JobKey> keys{key};
    Value(Await<engine::Done>([&](auto callback) { store.Release(keys, callback); }));
  }
  // A job in doubt, claimed for its look-up.
  ClaimedJob ClaimDoubt(const std::string& kind) {
    harness->AddJob({.kind = kind});
    const ClaimedJob job = ClaimOne(harness->Main());
    Note(harness->Main(), job.key);
    Record(harness->Main(), Result(job, Outcome::kUnknown));
    return ClaimOne(harness->Main());
  }

  std::unique_ptr<StoreHarness> harness;
};

TEST_P(StoreContract, HelloGivesProtocolAndSettings) {
  const auto reply = Value(Hello(harness->Main()));
  EXPECT_EQ(reply.protocol, 1);
  EXPECT_GT(reply.settings.max_in_flight, 0);
  EXPECT_GT(reply.settings.lease, 0ms);
}

TEST_P(StoreContract, AClaimBringsTheJobWithItsAccount) {
  const std::string id = harness->AddJob({});
  const TurnReply reply = Turn(harness->Main(), {}, Claim(10));
  ASSERT_EQ(reply.jobs.size(), 1u);
  const ClaimedJob& job = reply.jobs[0];
  EXPECT_EQ(job.key.id, id);
  EXPECT_EQ(job.job.id, id);
  EXPECT_EQ(job.job.kind, "webhook");
  EXPECT_EQ(job.job.attempt, 1);
  EXPECT_EQ(job.account_id, harness->Account(0));
  EXPECT_EQ(job.lane, harness->Account(0));
  EXPECT_FALSE(job.in_doubt);
  EXPECT_FALSE(job.note);
  EXPECT_TRUE(job.job.payload.starts_with("{")) << job.job.payload;
  ASSERT_EQ(reply.accounts.size(), 1u);
  EXPECT_EQ(reply.accounts[0].account.id, harness->Account(0));
  EXPECT_EQ(reply.accounts[0].account.provider, "twilio");
  EXPECT_EQ(harness->State(id), "running");
}

TEST_P(StoreContract, AClaimedJobIsNotClaimedAgain) {
  harness->AddJob({});
  EXPECT_EQ(ClaimJobs(harness->Main(), 10).size(), 1u);
  EXPECT_EQ(ClaimJobs(harness->Main(), 10).size(), 0u);
  Value(Hello(harness->Other()));
  EXPECT_EQ(ClaimJobs(harness->Other(), 10).size(), 0u);
}

TEST_P(StoreContract, WhatIsNotDueIsAnnouncedAndClaimedWhenItIs) {
  harness->AddJob({.delay = 300ms});
  const TurnReply reply = Turn(harness->Main(), {}, Claim(10));
  EXPECT_TRUE(reply.jobs.empty());
  ASSERT_TRUE(reply.next_due);
  EXPECT_LE(*reply.next_due, 301ms);
  std::this_thread::sleep_for(*reply.next_due + 5ms);
  EXPECT_EQ(ClaimJobs(harness->Main(), 10).size(), 1u);
}

TEST_P(StoreContract, WithNothingToDoNothingIsDue) {
  EXPECT_FALSE(Turn(harness->Main(), {}, Claim(10)).next_due);
}

TEST_P(StoreContract, ClaimsNoMoreThanTheLimit) {
  for (int i = 0; i < 10; ++i) harness->AddJob({});
  EXPECT_EQ(ClaimJobs(harness->Main(), 7).size(), 7u);
  EXPECT_EQ(ClaimJobs(harness->Main(), 7).size(), 3u);
}

TEST_P(StoreContract, CapsBoundALaneAndZeroClosesIt) {
  for (int i = 0; i < 5; ++i) harness->AddJob({.account = 0});
  for (int i = 0; i < 5; ++i) harness->AddJob({.account = 1});
  ClaimRequest claim = Claim(10);
  claim.caps = {{harness->Account(0), 0}};
  claim.default_cap = 2;
  const TurnReply reply = Turn(harness->Main(), {}, claim);
  ASSERT_EQ(reply.jobs.size(), 2u);
  for (const ClaimedJob& job : reply.jobs) EXPECT_EQ(job.lane, harness->Account(1));
}

TEST_P(StoreContract, HigherPrioritiesComeFirst) {
  harness->AddJob({.priority = 0});
  const std::string urgent = harness->AddJob({.priority = 5});
  EXPECT_EQ(ClaimOne(harness->Main()).key.id, urgent);
}

TEST_P(StoreContract, MarksThatAreEchoedFindWhatComesLater) {
  harness->AddJob({});
  TurnReply reply = Turn(harness->Main(), {}, Claim(10));
  ASSERT_EQ(reply.jobs.size(), 1u);
  for (int i = 0; i < 3; ++i) {
    harness->AddJob({});
    ClaimRequest claim = Claim(10);
    claim.marks = reply.marks;
    reply = Turn(harness->Main(), {}, claim);
    EXPECT_EQ(reply.jobs.size(), 1u);
  }
}

TEST_P(StoreContract, OutcomesDecideWhatBecomesOfAJob) {
  const struct {
    Outcome outcome;
    std::string kind;
    int max_attempts;
    std::string state;
  } cases[] = {
      {Outcome::kOk, "webhook", 8, "done"},       {Outcome::kRetry, "webhook", 8, "ready"},
      {Outcome::kRetry, "webhook", 1, "dead"},    {Outcome::kPermanent, "webhook", 8, "dead"},
      {Outcome::kSuppress, "webhook", 8, "dead"}, {Outcome::kUnknown, "webhook", 8, "ready"},
      {Outcome::kUnknown, "webhook", 1, "dead"},  {Outcome::kUnknown, "call", 8, "in_doubt"},
      {Outcome::kUnknown, "call", 1, "in_doubt"},
  };
  for (const auto& expected : cases) {
    const std::string id = harness->AddJob(
        {.kind = expected.kind, .priority = 9, .max_attempts = expected.max_attempts});
    const ClaimedJob job = ClaimOne(harness->Main());
    ASSERT_EQ(job.key.id, id);
    Finished finished = Result(job, expected.outcome);
    finished.retry_in = 60000ms;
    EXPECT_TRUE(Record(harness->Main(), finished).stale.empty());
    EXPECT_EQ(harness->State(id), expected.state)
        << expected.kind << " " << providers::OutcomeName(expected.outcome);
  }
}

TEST_P(StoreContract, ARetryIsDueWhenItWasAskedFor) {
  harness->AddJob({});
  const ClaimedJob job = ClaimOne(harness->Main());
  Finished finished = Result(job, Outcome::kRetry);
  finished.retry_in = 200ms;
  const TurnReply reply = Turn(harness->Main(), {finished}, Claim(10));
  EXPECT_TRUE(reply.jobs.empty());
  ASSERT_TRUE(reply.next_due);
  EXPECT_LE(*reply.next_due, 201ms);
  std::this_thread::sleep_for(*reply.next_due + 5ms);
  EXPECT_EQ(ClaimOne(harness->Main()).job.attempt, 2);
}

TEST_P(StoreContract, ResultsAndClaimShareATurn) {
  harness->AddJob({});
  const ClaimedJob first = ClaimOne(harness->Main());
  const std::string second = harness->AddJob({});
  const TurnReply reply = Turn(harness->Main(), {Result(first, Outcome::kOk)}, Claim(10));
  ASSERT_EQ(reply.jobs.size(), 1u);
  EXPECT_EQ(reply.jobs[0].key.id, second);
  EXPECT_EQ(harness->State(first.key.id), "done");
}

TEST_P(StoreContract, AResultThatComesTwiceCountsOnce) {
  const std::string id = harness->AddJob({});
  const ClaimedJob job = ClaimOne(harness->Main());
  Finished finished = Result(job, Outcome::kRetry);
  finished.retry_in = 60000ms;
  Record(harness->Main(), finished);
  const TurnReply again = Record(harness->Main(), finished);
  EXPECT_EQ(again.stale, std::vector<std::string>{id});
  EXPECT_EQ(harness->Attempt(id), 1);
}

TEST_P(StoreContract, AStaleTokenChangesNothing) {
  const std::string id = harness->AddJob({});
  const ClaimedJob old = ClaimOne(harness->Main());
  Release(harness->Main(), old.key);
  const ClaimedJob current = ClaimOne(harness->Main());
  EXPECT_GT(current.key.token, old.key.token);
  EXPECT_EQ(Record(harness->Main(), Result(old, Outcome::kOk)).stale, std::vector<std::string>{id});
  EXPECT_EQ(Note(harness->Main(), old.key).stop, std::vector<std::string>{id});
  EXPECT_EQ(Renew(harness->Main(), old.key), std::vector<std::string>{id});
  Release(harness->Main(), old.key);
  EXPECT_EQ(harness->State(id), "running");
  EXPECT_TRUE(Renew(harness->Main(), current.key).empty());
}

TEST_P(StoreContract, AReleasedJobIsReadyAndItsAttemptDoesNotCount) {
  const std::string id = harness->AddJob({});
  Release(harness->Main(), ClaimOne(harness->Main()).key);
  EXPECT_EQ(harness->State(id), "ready");
  EXPECT_EQ(ClaimOne(harness->Main()).job.attempt, 1);
}

TEST_P(StoreContract, OnlyWhatDoesHarmTwiceMustBeNoted) {
  harness->AddJob({.kind = "call"});
  const ClaimedJob call = ClaimOne(harness->Main());
  EXPECT_TRUE(call.note);
  const auto reply = Note(harness->Main(), call.key);
  EXPECT_EQ(reply.go, std::vector<std::string>{call.key.id});
  EXPECT_TRUE(reply.stop.empty());
  EXPECT_EQ(Note(harness->Main(), call.key).go.size(), 1u) << "a note may be repeated";
}

TEST_P(StoreContract, ADoubtIsClaimedAsSuchAndSettledByTheLookUp) {
  const ClaimedJob job = ClaimDoubt("call");
  EXPECT_TRUE(job.in_doubt);
  EXPECT_FALSE(job.note);
  EXPECT_TRUE(job.job.sending_at);
  EXPECT_EQ(job.job.attempt, 1);
  Record(harness->Main(), Result(job, Outcome::kRetry));
  EXPECT_EQ(harness->State(job.key.id), "in_doubt");
  Record(harness->Main(), Result(ClaimOne(harness->Main()), Outcome::kOk));
  EXPECT_EQ(harness->State(job.key.id), "done");
}

TEST_P(StoreContract, ACallThatWasNotPlacedIsNotDialedByThisJobAgain) {
  const ClaimedJob job = ClaimDoubt("call");
  Record(harness->Main(), Result(job, Outcome::kAbsent));
  EXPECT_EQ(harness->State(job.key.id), "dead");
}

TEST_P(StoreContract, ClaimsOfAWorkerThatDiesAreFreedByAnother) {
  Value(Hello(harness->Other()));
  const std::string unsent = harness->AddJob({});
  const std::string sent = harness->AddJob({.kind = "call"});
  for (const ClaimedJob& job : ClaimJobs(harness->Other(), 10)) {
    if (job.note) Note(harness->Other(), job.key);
  }
  EXPECT_TRUE(Turn(harness->Main(), {}, Claim(10)).foreign_claims);
  auto reply = Value(Await<engine::FreeReply>([&](auto cb) { harness->Main().Free(cb); }));
  EXPECT_EQ(reply.freed, 0);
  EXPECT_TRUE(reply.foreign_claims);
  harness->KillOther();
  reply = Value(Await<engine::FreeReply>([&](auto cb) { harness->Main().Free(cb); }));
  EXPECT_EQ(reply.freed, 2);
  EXPECT_EQ(reply.in_doubt, 1);
  EXPECT_FALSE(reply.foreign_claims);
  EXPECT_EQ(harness->State(unsent), "ready");
  EXPECT_EQ(harness->State(sent), "in_doubt");
}

TEST_P(StoreContract, AHelloKeepsWhatIsHeldAndFreesTheRest) {
  const std::string first = harness->AddJob({});
  const std::string second = harness->AddJob({});
  const std::vector<ClaimedJob> jobs = ClaimJobs(harness->Main(), 10);
  ASSERT_EQ(jobs.size(), 2u);
  const bool first_is_held = jobs[0].key.id == first;
  Value(Hello(harness->Main(), {jobs[0].key}));
  EXPECT_EQ(harness->State(first_is_held ? first : second), "running");
  EXPECT_EQ(harness->State(first_is_held ? second : first), "ready");
  EXPECT_TRUE(Record(harness->Main(), Result(jobs[0], Outcome::kOk)).stale.empty());
}

TEST_P(StoreContract, AGoodbyeGivesEverythingBack) {
  Value(Hello(harness->Other()));
  const std::string id = harness->AddJob({});
  ClaimOne(harness->Other());
  Value(Await<engine::Done>([&](auto callback) { harness->Other().Goodbye(callback); }));
  EXPECT_EQ(harness->State(id), "ready");
}

TEST_P(StoreContract, CallsAreAnsweredInTheirOrder) {
  const std::string id = harness->AddJob({});
  std::vector<std::string> answers;
  QueueStore& store = harness->Main();
  TurnRequest request;
  request.claim = Claim(1);
  store.Turn(request, [&](StoreResult<TurnReply> reply) {
    answers.push_back("turn " + std::to_string(Value(std::move(reply)).jobs.size()));
  });
  request.claim = Claim(2);
  store.Turn(request, [&](StoreResult<TurnReply> reply) {
    answers.push_back("turn " + std::to_string(Value(std::move(reply)).jobs.size()));
  });
  store.Free([&](const StoreResult<engine::FreeReply>&) { answers.emplace_back("free"); });
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (answers.size() < 3 && std::chrono::steady_clock::now() < end) harness->Pump();
  EXPECT_EQ(answers, (std::vector<std::string>{"turn 1", "turn 0", "free"}));
}

TEST_P(StoreContract, AFailedCallLeavesTheConnectionInOrder) {
  const auto refused = Await<TurnReply>([&](auto callback) {
    harness->Other().Turn(TurnRequest{}, callback);  // without a hello
  });
  const auto* error = std::get_if<StoreError>(&refused);
  ASSERT_NE(error, nullptr);
  EXPECT_FALSE(error->lost);
  EXPECT_EQ(error->sqlstate, "P0002");
  EXPECT_TRUE(std::holds_alternative<engine::HelloReply>(Hello(harness->Other())));
}

TEST_P(StoreContract, ABatchOfThousandsPassesWhole) {
  for (int i = 0; i < 300; ++i) harness->AddJob({});
  std::vector<Finished> finished;
  std::set<std::string> ids;
  for (const ClaimedJob& job : ClaimJobs(harness->Main(), 1000)) {
    ids.insert(job.key.id);
    finished.push_back(Result(job, Outcome::kOk));
    finished.back().response_json = "{\"filler\":\"" + std::string(20000, 'x') + "\"}";
  }
  EXPECT_EQ(ids.size(), 300u);
  EXPECT_TRUE(Turn(harness->Main(), finished, std::nullopt).stale.empty());
  EXPECT_EQ(harness->State(*ids.begin()), "done");
}

INSTANTIATE_TEST_SUITE_P(Every, StoreContract, ::testing::ValuesIn(HarnessMakers()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace switchboard::testing
