#include <gtest/gtest.h>

#include "breaker/backoff.h"
#include "breaker/retry_budget.h"

namespace grey::breaker {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, CeilingDoublesFromTheBaseToTheCap) {
  Random random(1);
  Backoff backoff({.base = 100ms, .cap = 30s, .tries_max = tries_unlimited, .floor = 0ms});
  for (const Duration expected :
       {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 30000ms, 30000ms}) {
    EXPECT_EQ(backoff.ceiling(), expected);
    ASSERT_TRUE(backoff.next(random));
  }
  for (int i = 0; i < 1000; ++i) ASSERT_LE(*backoff.next(random), 30s);
  backoff.reset();
  EXPECT_EQ(backoff.ceiling(), 100ms);
}

TEST(Backoff, StopsAfterItsTries) {
  Random random(2);
  Backoff backoff;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(backoff.next(random));
  EXPECT_FALSE(backoff.next(random));
}

TEST(Backoff, JitterIsFullAndRespectsTheFloor) {
  Random random(3);
  Duration lowest = 1s, highest{};
  for (int i = 0; i < 2000; ++i) {
    Backoff backoff({.base = 100ms, .cap = 30s, .tries_max = 1, .floor = 10ms});
    const Duration delay = *backoff.next(random);
    lowest = std::min(lowest, delay);
    highest = std::max(highest, delay);
  }
  EXPECT_EQ(lowest, 10ms);
  EXPECT_GT(highest, 95ms);
  EXPECT_LE(highest, 100ms);
}

TEST(Backoff, ExtremeOptionsDoNotOverflow) {
  Random random(4);
  Backoff backoff({.base = Duration::max() / 2 + Duration(1),
                   .cap = Duration::max(),
                   .tries_max = tries_unlimited,
                   .floor = {}});
  for (int i = 0; i < 100; ++i) ASSERT_GE(*backoff.next(random), Duration{});
  EXPECT_EQ(backoff.ceiling(), Duration::max());
}

TEST(RetryBudget, RetriesStayAShareOfTheCalls) {
  RetryBudget budget({.retries_per_call = 0.1, .retries_per_second = 0, .tokens_max = 10});
  int retries = 0;
  for (int call = 0; call < 10000; ++call) {
    budget.on_call();
    while (budget.try_retry(MonotonicTime(1s))) ++retries;
  }
  EXPECT_NEAR(retries, 1000 + 10, 1);
}

TEST(RetryBudget, TricklesForIdleCallersUpToItsSize) {
  RetryBudget budget({.retries_per_call = 0, .retries_per_second = 2, .tokens_max = 3});
  MonotonicTime now(1s);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.try_retry(now));
  EXPECT_FALSE(budget.try_retry(now));
  EXPECT_TRUE(budget.try_retry(now + 500ms));
  EXPECT_FALSE(budget.try_retry(now + 500ms));
  EXPECT_FALSE(budget.try_retry(now)) << "an older time adds nothing";
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.try_retry(now + 1h));
  EXPECT_FALSE(budget.try_retry(now + 1h));
}

}  // namespace
}  // namespace grey::breaker
