// Token bucket, circuit breaker, the gate made of them, and the histogram.

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "test/unit/engine_test_support.hpp"
#include "workers/engine/account_gate.hpp"
#include "workers/engine/circuit_breaker.hpp"
#include "workers/engine/latency_histogram.hpp"
#include "workers/engine/token_bucket.hpp"

namespace switchboard::testing {
namespace {

using engine::AccountGate;
using engine::CircuitBreaker;
using engine::TimePoint;
using engine::TokenBucket;

constexpr TimePoint kStart{1h};

// Takes whenever it can, being late by up to `lateness`; returns when.
std::vector<TimePoint> Drain(TokenBucket bucket, std::chrono::seconds duration,
                             std::chrono::microseconds lateness) {
  std::vector<TimePoint> taken;
  std::chrono::microseconds late{0};
  TimePoint now = kStart;
  while (now < kStart + duration) {
    if (bucket.TryTake(now)) taken.push_back(now);
    late = (late + 337us) % (lateness + 1us);
    now = std::max(now + 1us, bucket.WhenAvailable() + late);
  }
  return taken;
}

int MostInASecond(const std::vector<TimePoint>& taken) {
  std::size_t most = 0;
  std::size_t first = 0;
  for (std::size_t last = 0; last < taken.size(); ++last) {
    while (taken[last] - taken[first] >= 1s) ++first;
    most = std::max(most, last - first + 1);
  }
  return static_cast<int>(most);
}

TEST(TokenBucket, NeverExceedsTheRateInAnySecondAndUsesNearlyAllOfIt) {
  for (const int rate : {1, 3, 10, 50, 100, 1000}) {
    const auto taken = Drain(TokenBucket(rate, std::nullopt, kStart), 60s, 2ms);
    EXPECT_LE(MostInASecond(taken), rate) << rate << " per second";
    EXPECT_GE(static_cast<double>(taken.size()), 60.0 * rate * 0.98) << rate << " per second";
  }
}

TEST(TokenBucket, AllowsTheBurstItWasGivenAndThenTheRate) {
  TokenBucket bucket(2, 5, kStart);
  int taken = 0;
  while (bucket.TryTake(kStart)) ++taken;
  EXPECT_EQ(taken, 5);
  EXPECT_EQ(bucket.WhenAvailable(), kStart + 500ms);
  EXPECT_TRUE(bucket.TryTake(kStart + 500ms));
  EXPECT_FALSE(bucket.TryTake(kStart + 900ms));
}

TEST(TokenBucket, WithoutARateNothingIsLimited) {
  TokenBucket bucket;
  for (int i = 0; i < 100000; ++i) ASSERT_TRUE(bucket.TryTake(kStart));
}

TEST(TokenBucket, KeepsItsDebtWhenTheRateChanges) {
  TokenBucket bucket(1, std::nullopt, kStart);
  EXPECT_TRUE(bucket.TryTake(kStart));
  bucket.Configure(2, std::nullopt, kStart);
  EXPECT_FALSE(bucket.TryTake(kStart + 100ms));
  EXPECT_TRUE(bucket.TryTake(kStart + 510ms));
}

TEST(CircuitBreaker, OpensAfterFailuresInARowOnly) {
  CircuitBreaker breaker;
  for (int i = 0; i < 20; ++i) {
    breaker.OnFailure(kStart);
    if (i % 4 == 3) breaker.OnSuccess();
  }
  EXPECT_EQ(breaker.StateAt(kStart), CircuitBreaker::State::kClosed);
  for (int i = 0; i < CircuitBreaker::kFailuresToOpen; ++i) breaker.OnFailure(kStart);
  EXPECT_EQ(breaker.StateAt(kStart), CircuitBreaker::State::kOpen);
  EXPECT_EQ(breaker.Admits(kStart, 0), 0);
}

TEST(CircuitBreaker, LetsOneProbeThroughAndWaitsTwiceAsLongWhenItFails) {
  CircuitBreaker breaker;
  TimePoint now = kStart;
  for (int i = 0; i < CircuitBreaker::kFailuresToOpen; ++i) breaker.OnFailure(now);
  std::chrono::microseconds wait = CircuitBreaker::kFirstOpen;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(breaker.opens_until() - now, wait);
    now = breaker.opens_until();
    EXPECT_EQ(breaker.Admits(now, 0), 1);
    EXPECT_EQ(breaker.Admits(now, 1), 0);
    breaker.OnFailure(now);
    wait = std::min<std::chrono::microseconds>(wait * 2, CircuitBreaker::kLongestOpen);
  }
  now = breaker.opens_until();
  breaker.OnSuccess();
  EXPECT_EQ(breaker.StateAt(now), CircuitBreaker::State::kClosed);
}

TEST(CircuitBreaker, OpensAtOnceWhenTheAccountIsAtFault) {
  CircuitBreaker breaker;
  breaker.OnAccountFault(kStart);
  EXPECT_EQ(breaker.StateAt(kStart), CircuitBreaker::State::kOpen);
  EXPECT_EQ(breaker.opens_until(), kStart + CircuitBreaker::kFaultOpen);
}

TEST(CircuitBreaker, IgnoresLateFailuresOfWhatWasSentBeforeItOpened) {
  CircuitBreaker breaker;
  for (int i = 0; i < 100; ++i) breaker.OnFailure(kStart);
  EXPECT_EQ(breaker.opens_until(), kStart + CircuitBreaker::kFirstOpen);
}

TEST(AccountGate, ClaimsAheadOfItsTokensButStartsOnTime) {
  AccountGate gate;
  gate.Configure({10, std::nullopt, std::nullopt}, kStart);
  // Two tokens fall due within the time it looks ahead, one is there.
  EXPECT_EQ(gate.ClaimCap(kStart, 0, 0, 1000), 2 + 0);
  EXPECT_TRUE(gate.TryStart(kStart, 0));
  EXPECT_FALSE(gate.TryStart(kStart, 1));
  const auto next = gate.StartAgainAt(kStart, 1);
  ASSERT_TRUE(next);
  EXPECT_GT(*next, kStart + 90ms);
  EXPECT_TRUE(gate.TryStart(*next, 1));
}

TEST(AccountGate, WhenItSaysItCanBeClaimedFromAgainItCan) {
  for (const double rate : {0.5, 1.0, 7.0, 300.0}) {
    AccountGate gate;
    gate.Configure({rate, std::nullopt, 5}, kStart);
    TimePoint now = kStart;
    for (int waiting = 0; waiting < 5; ++waiting) {
      const auto at = gate.ClaimAgainAt(now, waiting, waiting, 100);
      if (!at) {
        EXPECT_EQ(gate.ClaimCap(now + 1h, waiting, waiting, 100), 0);
        continue;
      }
      now = std::max(now, *at);
      EXPECT_GT(gate.ClaimCap(now, waiting, waiting, 100), 0) << rate << " with " << waiting;
    }
  }
}

TEST(AccountGate, AnUnprovenEndpointGetsFewRequestsAtOnce) {
  AccountGate gate;
  EXPECT_EQ(gate.ClaimCap(kStart, 0, 0, 1000), AccountGate::kFirstWindow);
  for (int i = 0; i < 100; ++i) gate.OnSuccess();
  EXPECT_EQ(gate.ClaimCap(kStart, 0, 0, 1000), AccountGate::kFirstWindow + 100);
}

TEST(AccountGate, PauseHoldsBothClaimsAndStarts) {
  AccountGate gate;
  gate.Pause(kStart + 10s);
  EXPECT_TRUE(gate.Shut(kStart));
  EXPECT_EQ(gate.ClaimCap(kStart, 0, 0, 1000), 0);
  EXPECT_FALSE(gate.TryStart(kStart + 9s, 0));
  EXPECT_TRUE(gate.TryStart(kStart + 10s, 0));
}

TEST(LatencyHistogram, QuantilesAreWithinABucket) {
  engine::LatencyHistogram histogram;
  EXPECT_EQ(histogram.QuantileMs(0.5), 0);
  for (int ms = 1; ms <= 1000; ++ms) histogram.Add(std::chrono::milliseconds(ms));
  EXPECT_NEAR(histogram.QuantileMs(0.5), 500, 500 * 0.07);
  EXPECT_NEAR(histogram.QuantileMs(0.99), 990, 990 * 0.07);
}

}  // namespace
}  // namespace switchboard::testing
