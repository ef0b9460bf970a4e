// Behaviour of the drain loop.

#include <algorithm>

#include <gtest/gtest.h>

#include "test/unit/engine_test_support.hpp"

namespace switchboard::testing {
namespace {

using engine::Engine;
using providers::Transport;

TEST_F(EngineTest, DoesAJobAndRecordsItAtOnceWhenNothingElseRuns) {
  queue.AddAccount("a");
  StartEngine();
  queue.Add("j", "a");
  store->Wake();
  Settle();
  ASSERT_EQ(transport.running.size(), 1u);
  EXPECT_EQ(queue.Job("j").state, "running");
  transport.Reply(FakeTransport::Answer(200));
  Settle();
  EXPECT_EQ(queue.Job("j").state, "done");
  EXPECT_EQ(queue.Job("j").provider_ref, "ref");
}

TEST_F(EngineTest, AWakeLeadsToAClaimWithoutTimePassing) {
  queue.AddAccount("a");
  StartEngine();
  AddJobs("a", 1);
  Settle();
  EXPECT_TRUE(transport.running.empty());
  store->Wake();
  Settle();
  EXPECT_EQ(transport.running.size(), 1u);
}

TEST_F(EngineTest, AWakeDuringATurnIsNotLost) {
  queue.AddAccount("a");
  StartEngine();
  store->Wake();
  engine->Step();  // a turn is under way and sees nothing
  AddJobs("a", 1);
  store->Wake();
  Settle();
  EXPECT_EQ(transport.running.size(), 1u);
}

TEST_F(EngineTest, IdleItRunsNoStatements) {
  queue.AddAccount("a");
  AddJobs("a", 3);
  StartEngine();
  transport.ReplyAll(FakeTransport::Answer(200));
  Pass(5s);
  const std::size_t before = store->calls.size();
  Pass(50s);
  EXPECT_EQ(store->calls.size(), before);
}

TEST_F(EngineTest, ClaimsAgainWhenTheNextJobFallsDue) {
  queue.AddAccount("a");
  queue.Add("later", "a").run_at += 20s;
  StartEngine();
  Pass(19s);
  EXPECT_TRUE(transport.running.empty());
  Pass(1s);
  EXPECT_EQ(transport.running.size(), 1u);
}

TEST_F(EngineTest, WithoutWakesItPollsQuicklyAfterWorkAndSlowlyWhenIdle) {
  queue.AddAccount("a");
  queue.settings.poll_interval = 1s;
  StartEngine(false);
  Pass(10s);
  const int idle = Turns();
  Pass(10s);
  EXPECT_NEAR(Turns() - idle, 10, 2);
  AddJobs("a", 1);
  Pass(1s);
  EXPECT_EQ(transport.running.size(), 1u);
  transport.ReplyAll(FakeTransport::Answer(200));
  Settle();
  AddJobs("a", 1);
  Pass(40ms);
  EXPECT_EQ(transport.running.size(), 1u);
}

TEST_F(EngineTest, AnswersCollectWhileATurnIsUnderWay) {
  queue.AddAccount("a");
  AddJobs("a", 30);
  StartEngine();
  ASSERT_EQ(transport.running.size(), 30u);
  transport.Reply(FakeTransport::Answer(200));
  Pass(2ms);
  const int turns = Turns();
  transport.Reply(FakeTransport::Answer(200));
  clock.Advance(2ms);
  engine->Step();
  clock.Advance(2ms);
  engine->Step();
  for (int i = 0; i < 20; ++i) {
    transport.Reply(FakeTransport::Answer(200));
    engine->Step();
  }
  EXPECT_EQ(Turns(), turns + 1);
  Pass(2ms);
  EXPECT_EQ(Turns(), turns + 2);
  EXPECT_EQ(store->turns.back().finished, 20u);
}

TEST_F(EngineTest, RecordsAndClaimsInOneTurn) {
  queue.AddAccount("a").max_in_flight = 1;
  AddJobs("a", 3);
  StartEngine();
  const int before = Turns();
  transport.Reply(FakeTransport::Answer(200));
  Settle();
  ASSERT_EQ(Turns(), before + 1);
  EXPECT_EQ(store->turns.back().finished, 1u);
  EXPECT_TRUE(store->turns.back().claim);
  EXPECT_EQ(transport.running.size(), 1u);
}

TEST_F(EngineTest, StopsClaimingWhileResultsCannotBeRecorded) {
  queue.AddAccount("a");
  queue.settings.max_in_flight = 20;
  AddJobs("a", 500);
  StartEngine();
  store->fail_turns = 1000;
  for (int i = 0; i < 40; ++i) {
    transport.ReplyAll(FakeTransport::Answer(200));
    Pass(100ms);
  }
  EXPECT_LE(queue.Count("running"), 41);
  store->fail_turns = 0;
  for (int i = 0; i < 100; ++i) {
    transport.ReplyAll(FakeTransport::Answer(200));
    Pass(1s);
  }
  EXPECT_EQ(queue.Count("done"), 500);
}

TEST_F(EngineTest, NeverHoldsMoreThanItsSlots) {
  queue.AddAccount("a");
  queue.settings.max_in_flight = 50;
  AddJobs("a", 500);
  StartEngine();
  for (int i = 0; i < 60; ++i) {
    EXPECT_LE(engine->in_flight(), 50);
    transport.ReplyAll(FakeTransport::Answer(200));
    Pass(2ms);
  }
  EXPECT_EQ(queue.Count("done"), 500);
}

// --- Harmful kinds and doubts --------------------------------------------------------------------

TEST_F(EngineTest, ACallIsNotedBeforeItIsSent) {
  queue.AddAccount("a");
  queue.Add("c", "a", "call");
  StartEngine();
  EXPECT_TRUE(queue.Job("c").claim.job.sending_at);
  ASSERT_EQ(transport.running.size(), 1u);
  EXPECT_TRUE(transport.running[0].request.fresh_connection);
}

TEST_F(EngineTest, NothingIsSentUntilTheNoteIsAnswered) {
  queue.AddAccount("a");
  queue.Add("c", "a", "call");
  StartEngine();
  transport.Reply(FakeTransport::Answer(200));
  Settle();
  queue.Add("d", "a", "call");
  store->Wake();
  engine->Step();
  store->Deliver();
  engine->Step();
  EXPECT_EQ(store->calls.back(), "note");
  EXPECT_TRUE(transport.running.empty());
  store->Deliver();
  EXPECT_EQ(transport.running.size(), 1u);
}

TEST_F(EngineTest, ACallThatMayNotBeSentAnyMoreIsDropped) {
  queue.AddAccount("a").rate_per_second = 1;
  queue.Add("c", "a", "call");
  queue.refused.insert("c");
  StartEngine();
  EXPECT_TRUE(transport.all.empty());
  EXPECT_EQ(engine->in_flight(), 0);
  // Its token was given back.
  queue.Add("d", "a", "call");
  store->Wake();
  Settle();
  EXPECT_EQ(transport.all.size(), 1u);
}

TEST_F(EngineTest, ACallWithoutAnAnswerIsLookedUpAndNeverDialedAgain) {
  queue.AddAccount("a");
  queue.Add("c", "a", "call");
  StartEngine();
  transport.Reply(FakeTransport::Failure(Transport::kTimeout));
  Settle();
  EXPECT_EQ(queue.Job("c").state, "in_doubt");
  Pass(60s);
  ASSERT_EQ(transport.running.size(), 1u);
  EXPECT_EQ(transport.running[0].request.method, "GET");
  transport.Reply(FakeTransport::Answer(206));  // another page
  transport.Reply(FakeTransport::Answer(500));  // could not ask
  Pass(60s);
  EXPECT_EQ(queue.Job("c").state, "in_doubt");
  transport.Reply(FakeTransport::Answer(200));
  Settle();
  EXPECT_EQ(queue.Job("c").state, "done");
  EXPECT_EQ(std::ranges::count_if(transport.all,
                                  [](const auto& sent) { return sent.request.method == "POST"; }),
            1);
}

TEST_F(EngineTest, ACallThatTheProviderDoesNotHaveIsDeadAndNotRedialed) {
  queue.AddAccount("a");
  MemoryJob& job = queue.Add("c", "a", "call");
  job.state = "in_doubt";
  StartEngine();
  transport.Reply(FakeTransport::Answer(409));
  Pass(120s);
  EXPECT_EQ(queue.Job("c").state, "dead");
  EXPECT_EQ(transport.all.size(), 1u);
}

TEST_F(EngineTest, ADoubtThatCannotBeAskedAboutDoesNotLastForEver) {
  queue.AddAccount("a");
  queue.Add("m", "a", "message").state = "in_doubt";
  queue.Add("w", "a", "webhook").state = "in_doubt";
  StartEngine();
  EXPECT_TRUE(transport.all.empty());
  EXPECT_EQ(queue.Job("m").state, "ready");
  EXPECT_EQ(queue.Job("w").state, "dead");
}

// --- Retries ------------------------------------------------------------------------------------

TEST_F(EngineTest, RetriesWithGrowingPausesUntilTheAttemptsAreUsedUp) {
  queue.AddAccount("a");
  queue.Add("j", "a").claim.max_attempts = 4;
  StartEngine();
  for (int i = 0; i < 4; ++i) {
    Pass(1h);
    ASSERT_EQ(transport.running.size(), 1u) << i;
    transport.Reply(FakeTransport::Answer(400 + 99));
    Settle();
  }
  EXPECT_EQ(queue.Job("j").state, "dead");
  EXPECT_EQ(queue.Job("j").last_code, "http_499");
}

TEST_F(EngineTest, PermanentErrorsAreNotRetried) {
  queue.AddAccount("a");
  queue.Add("j", "a");
  StartEngine();
  transport.Reply(FakeTransport::Answer(404));
  Pass(1h);
  EXPECT_EQ(queue.Job("j").state, "dead");
  EXPECT_EQ(transport.all.size(), 1u);
}

TEST_F(EngineTest, TooManyRequestsPausesTheWholeAccountAndNoOther) {
  queue.AddAccount("a");
  queue.AddAccount("b");
  AddJobs("a", 1);
  StartEngine();
  transport.Reply(FakeTransport::Answer(429));
  Settle();
  AddJobs("a", 5);
  AddJobs("b", 5);
  store->Wake();
  Pass(299s);
  EXPECT_EQ(transport.Running("/a/"), 0);
  EXPECT_EQ(transport.Running("/b/"), 5);
  Pass(60s);
  EXPECT_GE(transport.Running("/a/"), 5);
}

TEST_F(EngineTest, ARetryIsNotMadeBeforeTheTimeTheProviderAskedFor) {
  queue.AddAccount("a");
  queue.Add("j", "a");
  StartEngine();
  const auto asked = clock.Now();
  transport.Reply(FakeTransport::Answer(503));
  Pass(400s);
  ASSERT_EQ(transport.all.size(), 2u);
  EXPECT_GE(transport.all[1].at - asked, 300s);
  EXPECT_LE(transport.all[1].at - asked, 331s);
}

// --- Limits -------------------------------------------------------------------------------------

TEST_F(EngineTest, ALimitedAccountIsUsedToTheFullAndNeverBeyond) {
  queue.AddAccount("a").rate_per_second = 10;
  AddJobs("a", 400);
  StartEngine();
  for (int i = 0; i < 2000; ++i) {
    transport.ReplyAll(FakeTransport::Answer(200));
    Pass(10ms);
  }
  const auto& all = transport.all;
  for (std::size_t i = 10; i < all.size(); ++i) EXPECT_GE(all[i].at - all[i - 10].at, 1s);
  EXPECT_GE(all.size(), 195u);
}

TEST_F(EngineTest, ALimitedAccountDoesNotHoldUpOthers) {
  queue.AddAccount("slow").rate_per_second = 1;
  queue.AddAccount("fast");
  AddJobs("slow", 200);
  AddJobs("fast", 300);
  StartEngine();
  for (int i = 0; i < 30; ++i) {
    transport.ReplyAll(FakeTransport::Answer(200));
    Pass(2ms);
  }
  EXPECT_EQ(queue.Count("done"), 301);
}

TEST_F(EngineTest, KeepsToTheRequestsAtOnceOfAnAccount) {
  queue.AddAccount("a").max_in_flight = 3;
  AddJobs("a", 20);
  StartEngine();
  EXPECT_EQ(transport.running.size(), 3u);
  Pass(10s);
  EXPECT_EQ(transport.running.size(), 3u);
}

TEST_F(EngineTest, HangingEndpointsHoldNobodyUp) {
  for (int i = 0; i < 20; ++i) queue.AddAccount("hang" + std::to_string(i));
  queue.AddAccount("good");
  for (int i = 0; i < 20; ++i) AddJobs("hang" + std::to_string(i), 300);
  StartEngine();
  Pass(1s);
  AddJobs("good", 200);
  store->Wake();
  for (int i = 0; i < 40; ++i) {
    Pass(2ms);
    transport.ReplyAll(FakeTransport::Answer(200), "/good/");
  }
  Settle();
  EXPECT_EQ(queue.Count("done"), 200);
}

TEST_F(EngineTest, AnAccountThatWorkedAndThenHangsLeavesRoomForOthers) {
  queue.AddAccount("a");
  queue.AddAccount("good");
  AddJobs("a", 3000);
  StartEngine();
  for (int i = 0; i < 40; ++i) {
    transport.ReplyAll(FakeTransport::Answer(200));
    Pass(2ms);
  }
  AddJobs("a", 3000);
  store->Wake();
  Pass(1s);  // now nothing is answered any more
  EXPECT_GT(transport.Running("/a/"), 500);
  AddJobs("good", 1);
  store->Wake();
  Settle();
  EXPECT_EQ(transport.Running("/good/"), 1);
}

TEST_F(EngineTest, ABrokenEndpointIsLeftAloneAndProbed) {
  queue.AddAccount("a");
  AddJobs("a", 200);
  StartEngine();
  transport.ReplyAll(FakeTransport::Failure(Transport::kRefused, 0));
  Settle();
  const std::size_t before = transport.all.size();
  Pass(900ms);
  EXPECT_EQ(transport.all.size(), before);
  Pass(200ms);
  EXPECT_EQ(transport.all.size(), before + 1);
  transport.ReplyAll(FakeTransport::Answer(200));
  Pass(100ms);
  EXPECT_GT(transport.all.size(), before + 20);
}

TEST_F(EngineTest, JobsClaimedForAnAccountThatBreaksGoBackUnharmed) {
  queue.AddAccount("a").rate_per_second = 20;
  AddJobs("a", 10);
  StartEngine();
  transport.Reply(FakeTransport::Answer(401));
  Pass(1s);
  EXPECT_EQ(queue.Count("dead"), 1);
  EXPECT_EQ(queue.Count("ready"), 9);
  EXPECT_EQ(engine->in_flight(), 0);
}

TEST_F(EngineTest, ClosedAccountsCostNoStatements) {
  queue.AddAccount("a");
  AddJobs("a", 50);
  StartEngine();
  transport.ReplyAll(FakeTransport::Answer(401));
  Pass(3s);
  const int before = Turns();
  Pass(20s);
  EXPECT_LE(Turns() - before, 6);
}

// --- Bad jobs -----------------------------------------------------------------------------------

TEST_F(EngineTest, ABadJobFailsAloneWithItsReason) {
  queue.AddAccount("a");
  queue.AddAccount("strange", "none");
  queue.Add("good", "a");
  queue.Add("bad", "a").claim.job.payload = R"({"throw":1})";
  queue.Add("kind", "a", "fax");
  queue.Add("provider", "strange");
  queue.Add("orphan", "tenant");
  StartEngine();
  transport.ReplyAll(FakeTransport::Answer(200));
  Settle();
  EXPECT_EQ(queue.Job("good").state, "done");
  EXPECT_EQ(queue.Job("bad").last_code, "bad_job");
  EXPECT_EQ(queue.Job("kind").last_code, "unsupported_kind");
  EXPECT_EQ(queue.Job("provider").last_code, "unknown_provider");
  EXPECT_EQ(queue.Job("orphan").last_code, "no_account");
  EXPECT_EQ(queue.Count("dead"), 4);
}

TEST_F(EngineTest, AMissingSecretClosesTheAccountAndSaysWhichButNotWhat) {
  queue.AddAccount("a").sealed_secrets["token"] = "missing";
  AddJobs("a", 40);
  StartEngine();
  EXPECT_TRUE(transport.all.empty());
  EXPECT_GE(queue.Count("ready"), 39);
  EXPECT_EQ(queue.Job("a-1000").last_error, "secret token: no such secret");
}

// --- Leases and other workers --------------------------------------------------------------------

TEST_F(EngineTest, LeasesOfRunningJobsAreRenewedInTime) {
  queue.AddAccount("a");
  queue.settings.lease = 30s;
  queue.Add("j", "a");
  StartEngine();
  for (int i = 0; i < 200; ++i) {
    Pass(1s);
    ASSERT_GT(queue.Job("j").locked_until, clock.Now());
  }
  EXPECT_LE(std::ranges::count(store->calls, "renew"), 21);
}

TEST_F(EngineTest, ClaimsOfDeadWorkersAreFreedWithinASecond) {
  queue.AddAccount("a");
  MemoryQueueStore other(queue, "other");
  queue.alive.insert("other");
  AddJobs("a", 1);
  engine::ClaimRequest claim{
      .limit = 1, .discover = true, .marks = {}, .caps = {}, .default_cap = 1, .since = {}};
  queue.Turn("other", {{}, claim, {}});
  StartEngine();
  Pass(10s);
  EXPECT_TRUE(transport.running.empty());
  queue.alive.erase("other");
  Pass(1s);
  EXPECT_EQ(transport.running.size(), 1u);
}

// --- Connection and failures
// ----------------------------------------------------------------------

TEST_F(EngineTest, ResultsOfALostTurnAreSentAgain) {
  queue.AddAccount("a");
  queue.Add("j", "a");
  StartEngine();
  store->Disconnect();
  transport.Reply(FakeTransport::Answer(200));
  Pass(5s);
  EXPECT_EQ(queue.Job("j").state, "running");
  store->Connect();
  Settle();
  EXPECT_EQ(queue.Job("j").state, "done");
  EXPECT_EQ(transport.all.size(), 1u);
}

TEST_F(EngineTest, ATurnWhoseReplyWasLostIsRepeatedWithoutHarm) {
  queue.AddAccount("a");
  queue.Add("j", "a");
  StartEngine();
  transport.Reply(FakeTransport::Answer(200));
  engine->Step();
  EXPECT_EQ(queue.Job("j").state, "done");  // committed, but the engine does not know
  store->Disconnect();
  store->Connect();
  Settle();
  EXPECT_EQ(queue.Job("j").state, "done");
  EXPECT_EQ(transport.all.size(), 1u);
  EXPECT_EQ(engine->in_flight(), 0);
}

TEST_F(EngineTest, ClaimsWhoseReplyWasLostAreFreedByTheNextHello) {
  queue.AddAccount("a");
  StartEngine();
  queue.Add("j", "a");
  store->Wake();
  engine->Step();
  EXPECT_EQ(queue.Job("j").state, "running");
  store->Disconnect();
  store->Connect();
  Settle();
  EXPECT_EQ(transport.running.size(), 1u);
}

TEST_F(EngineTest, ANoteWhoseReplyWasLostIsMadeAgainBeforeSending) {
  queue.AddAccount("a");
  StartEngine();
  queue.Add("c", "a", "call");
  store->Wake();
  engine->Step();
  store->Deliver();
  engine->Step();  // the note is under way
  store->Disconnect();
  EXPECT_TRUE(transport.all.empty());
  store->Connect();
  Pass(1s);
  EXPECT_EQ(transport.all.size(), 1u);
}

TEST_F(EngineTest, AFailingTurnIsRepeatedWithPauses) {
  queue.AddAccount("a");
  StartEngine();
  store->fail_turns = 5;
  AddJobs("a", 1);
  store->Wake();
  const int before = Turns();
  Pass(10s);
  EXPECT_EQ(transport.running.size(), 1u);
  EXPECT_LE(Turns() - before, 7);
}

TEST_F(EngineTest, RefusesAQueueOfAnotherProtocol) {
  StartEngine();
  store->Disconnect();
  store->protocol = 2;
  store->Connect();
  Settle();
  EXPECT_EQ(engine->end(), Engine::End::kUnfit);
}

// --- Stopping -----------------------------------------------------------------------------------

TEST_F(EngineTest, AStopLetsRunningTransfersFinishAndGivesTheRestBack) {
  queue.AddAccount("a").rate_per_second = 10;
  AddJobs("a", 5);
  StartEngine();
  ASSERT_EQ(transport.running.size(), 1u);
  engine->Stop();
  Pass(1s);
  EXPECT_EQ(engine->end(), Engine::End::kRunning);
  transport.Reply(FakeTransport::Answer(200));
  Settle();
  EXPECT_EQ(engine->end(), Engine::End::kStopped);
  EXPECT_EQ(store->calls.back(), "goodbye");
  EXPECT_EQ(queue.Count("done"), 1);
  EXPECT_EQ(queue.Count("ready"), 4);
  EXPECT_EQ(queue.Job("a-1003").claim.job.attempt, 0);
}

TEST_F(EngineTest, WhatDoesNotFinishInTimeIsCancelledAndRecorded) {
  queue.AddAccount("a");
  queue.Add("w", "a");
  queue.Add("c", "a", "call");
  StartEngine();
  engine->Stop();
  Pass(queue.settings.drain_timeout + 1s);
  EXPECT_EQ(engine->end(), Engine::End::kStopped);
  EXPECT_EQ(queue.Job("w").state, "ready");
  EXPECT_EQ(queue.Job("c").state, "in_doubt");
}

TEST_F(EngineTest, AStopLeavesNoDoubtAboutWhatIsSafelySentAgain) {
  queue.AddAccount("a");
  queue.Add("w", "a").harmful = true;
  StartEngine();
  ASSERT_EQ(transport.running.size(), 1u);
  engine->Stop();
  Pass(queue.settings.drain_timeout + 1s);
  EXPECT_EQ(queue.Job("w").state, "ready");
}

TEST_F(EngineTest, AStopWithoutConnectionEndsToo) {
  StartEngine();
  store->Disconnect();
  engine->Stop();
  Pass(30s);
  EXPECT_EQ(engine->end(), Engine::End::kStopped);
}

// --- Figures ------------------------------------------------------------------------------------

TEST_F(EngineTest, ReportsWhatItDid) {
  queue.AddAccount("a");
  AddJobs("a", 4);
  StartEngine();
  clock.Advance(100ms);
  transport.Reply(FakeTransport::Answer(404));
  transport.ReplyAll(FakeTransport::Answer(200));
  Pass(5s);
  ASSERT_TRUE(store->turns.back().stats);
  const engine::WorkerStats& stats = *store->turns.back().stats;
  EXPECT_EQ(stats.done, 3);
  EXPECT_EQ(stats.failed, 1);
  EXPECT_EQ(stats.in_flight, 0);
  EXPECT_NEAR(stats.p50_ms, 100, 10);
  EXPECT_EQ(stats.last_error, "the endpoint said http_404");
}

TEST_F(EngineTest, TakesNewSettings) {
  StartEngine();
  engine::WorkerSettings settings;
  settings.max_in_flight = 5;
  engine->OnSettings(settings);
  EXPECT_EQ(settings_seen, 2);
  queue.AddAccount("a");
  AddJobs("a", 20);
  store->Wake();
  Settle();
  EXPECT_LE(transport.running.size(), 5u);
}

}  // namespace
}  // namespace switchboard::testing
