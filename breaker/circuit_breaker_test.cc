#include "breaker/circuit_breaker.h"

#include <gtest/gtest.h>

#include <vector>

namespace grey::breaker {
namespace {

using namespace std::chrono_literals;

struct CircuitBreakerTest : testing::Test {
  Random random{1};
  MonotonicTime now{1000s};
  CircuitBreaker breaker;

  void report(const Permit& permit, Outcome outcome) {
    breaker.on_result(permit, outcome, now, random);
    breaker.check_invariants();
  }
  void call(Outcome outcome) {
    const auto permit = breaker.try_acquire(now);
    ASSERT_TRUE(permit);
    report(*permit, outcome);
  }
  void open_it() {
    while (breaker.state(now) == BreakerState::closed) call(Outcome::failure);
    ASSERT_EQ(breaker.state(now), BreakerState::open);
  }
};

TEST_F(CircuitBreakerTest, NeedsEnoughCallsAndEnoughFailures) {
  for (int i = 0; i < 19; ++i) call(Outcome::failure);
  EXPECT_EQ(breaker.state(now), BreakerState::closed) << "19 calls are too few to judge";
  call(Outcome::failure);
  EXPECT_EQ(breaker.state(now), BreakerState::open);
  EXPECT_FALSE(breaker.try_acquire(now));
}

TEST_F(CircuitBreakerTest, StaysClosedBelowTheRate) {
  for (int i = 0; i < 1000; ++i) call(i % 5 < 2 ? Outcome::failure : Outcome::success);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
}

TEST_F(CircuitBreakerTest, OldFailuresSlideOutOfTheWindow) {
  for (int i = 0; i < 19; ++i) call(Outcome::failure);
  now += 11s;
  call(Outcome::failure);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
}

TEST_F(CircuitBreakerTest, OverloadedAndUnknownAreNoFailures) {
  for (int i = 0; i < 1000; ++i) call(i % 2 ? Outcome::overloaded : Outcome::unknown);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
}

TEST_F(CircuitBreakerTest, ProbesCloseIt) {
  open_it();
  now = breaker.open_until();
  EXPECT_EQ(breaker.state(now), BreakerState::half_open);
  std::vector<Permit> probes;
  while (const auto permit = breaker.try_acquire(now)) probes.push_back(*permit);
  EXPECT_EQ(probes.size(), 3u);
  report(probes[0], Outcome::success);
  report(probes[1], Outcome::overloaded);
  EXPECT_EQ(breaker.state(now), BreakerState::half_open);
  report(probes[2], Outcome::success);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
}

TEST_F(CircuitBreakerTest, AFailedProbeOpensItForLonger) {
  open_it();
  Duration longest{};
  for (const Duration expected : {60s, 120s, 240s, 300s, 300s}) {
    now = breaker.open_until();
    call(Outcome::failure);
    EXPECT_EQ(breaker.state(now), BreakerState::open);
    const Duration open_for = breaker.open_until() - now;
    EXPECT_GE(open_for, expected * 9 / 10);
    EXPECT_LE(open_for, std::min<Duration>(expected * 11 / 10, 300s));
    longest = std::max(longest, open_for);
  }
  EXPECT_LE(longest, 300s);
}

TEST_F(CircuitBreakerTest, ASilentProbeLosesItsLeaseAndItsSay) {
  open_it();
  now = breaker.open_until();
  const Permit silent = *breaker.try_acquire(now);
  ASSERT_TRUE(breaker.try_acquire(now));
  ASSERT_TRUE(breaker.try_acquire(now));
  EXPECT_FALSE(breaker.try_acquire(now)) << "all leases are out";
  now += 5s;
  EXPECT_TRUE(breaker.try_acquire(now));
  report(silent, Outcome::failure);
  EXPECT_EQ(breaker.state(now), BreakerState::half_open);
}

TEST_F(CircuitBreakerTest, LateResultsOfAnEarlierGenerationChangeNothing) {
  std::vector<Permit> early;
  for (int i = 0; i < 50; ++i) early.push_back(*breaker.try_acquire(now));
  open_it();
  for (const Permit& permit : early) report(permit, Outcome::success);
  EXPECT_EQ(breaker.state(now), BreakerState::open);
  now = breaker.open_until();
  ASSERT_TRUE(breaker.try_acquire(now));
  for (const Permit& permit : early) report(permit, Outcome::failure);
  EXPECT_EQ(breaker.state(now), BreakerState::half_open);
}

TEST_F(CircuitBreakerTest, ASignOfLifeHalfOpensAtOnce) {
  breaker.on_reachable(now);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
  open_it();
  breaker.on_reachable(now);
  EXPECT_EQ(breaker.state(now), BreakerState::half_open);
  EXPECT_TRUE(breaker.try_acquire(now));
}

TEST_F(CircuitBreakerTest, BypassGoesThroughAndOnlyItsSuccessCounts) {
  open_it();
  report(breaker.bypass(), Outcome::failure);
  EXPECT_EQ(breaker.state(now), BreakerState::open);
  report(breaker.bypass(), Outcome::success);
  EXPECT_EQ(breaker.state(now), BreakerState::half_open);
}

TEST_F(CircuitBreakerTest, AfterClosingTheOpenTimeStartsAnew) {
  open_it();
  for (int i = 0; i < 4; ++i) {
    now = breaker.open_until();
    call(Outcome::failure);
  }
  now = breaker.open_until();
  for (int i = 0; i < 3; ++i) call(Outcome::success);
  open_it();
  EXPECT_LE(breaker.open_until() - now, 33s);
}

// Random calls, results in any order and however late: the invariants hold, a dead destination gets
// no more than probes_max calls at a time once the breaker has opened, and one that works again
// closes the breaker.
TEST(CircuitBreaker, RandomHistoriesLimitALostDestinationAndRecover) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    CircuitBreaker breaker;
    MonotonicTime now(1s);
    std::vector<Permit> out;
    for (int step = 0; step < 3000; ++step) {
      now += random.between(0ms, 200ms);
      if (random.chance(0.5)) {
        if (const auto permit = breaker.try_acquire(now)) out.push_back(*permit);
      } else if (!out.empty()) {
        std::swap(out[random.below(out.size())], out.back());
        const auto outcome = random.chance(0.9) ? Outcome::failure : Outcome::unknown;
        breaker.on_result(out.back(), outcome, now, random);
        out.pop_back();
      }
      if (random.chance(0.01)) breaker.on_reachable(now);
      breaker.check_invariants();
      if (breaker.state(now) == BreakerState::open) {
        ASSERT_FALSE(breaker.try_acquire(now));
        ASSERT_LE(breaker.open_until() - now, 300s);
      }
    }
    ASSERT_GT(breaker.times_opened(), 0u);
    breaker.on_reachable(now);
    now += 5s;
    for (int i = 0; i < 3; ++i) {
      const auto permit = breaker.try_acquire(now);
      ASSERT_TRUE(permit || breaker.state(now) == BreakerState::closed);
      if (permit) breaker.on_result(*permit, Outcome::success, now, random);
    }
    EXPECT_EQ(breaker.state(now), BreakerState::closed) << "seed " << seed;
  }
}

}  // namespace
}  // namespace grey::breaker
