#include "rpc/deadline_wheel.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace grey::rpc {
namespace {

using namespace std::chrono_literals;

TEST(DeadlineWheel, NeverEarlyAtMostATickLateAndNextNeverLate) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    DeadlineWheel wheel;
    std::map<std::uint32_t, MonotonicTime> model;
    MonotonicTime now(1000s + Duration(static_cast<std::int64_t>(random.below(1'000'000'000))));
    std::vector<std::uint32_t> due;
    for (int step = 0; step < 2000; ++step) {
      const auto slot = static_cast<std::uint32_t>(random.below(40));
      if (random.chance(0.6)) {
        if (model.contains(slot)) continue;
        const Duration reach = random.chance(0.2) ? Duration(20s) : Duration(100ms);
        model[slot] = now + random.between(Duration{}, reach);
        wheel.set(slot, model[slot], now);
      } else if (random.chance(0.4)) {
        wheel.drop(slot);
        model.erase(slot);
      } else {
        now += random.chance(0.05) ? random.between(0ms, 30s) : random.between(0ms, 50ms);
        due.clear();
        wheel.expire(now, due);
        for (const std::uint32_t expired : due) {
          ASSERT_TRUE(model.contains(expired));
          ASSERT_LE(model[expired], now);
          model.erase(expired);
        }
        for (const auto& [left, deadline] : model) ASSERT_GT(deadline, now - DeadlineWheel::tick);
      }
      ASSERT_EQ(wheel.size(), model.size());
      for (const auto& [left, deadline] : model) {
        ASSERT_LE(wheel.next(), std::max(deadline, now) + DeadlineWheel::tick);
      }
      if (model.empty()) {
        ASSERT_EQ(wheel.next(), never);
      }
    }
  }
}

// A driver that sleeps until next() each time gets every deadline, in few wake-ups.
TEST(DeadlineWheel, DrivenByNextItWakesSeldom) {
  DeadlineWheel wheel;
  MonotonicTime now(5s);
  for (std::uint32_t i = 0; i < 100; ++i) wheel.set(i, now + 10s + i * 1ms, now);
  std::vector<std::uint32_t> due;
  int wakes = 0;
  while (wheel.size() > 0) {
    now = std::max(now, wheel.next());
    wheel.expire(now, due);
    ASSERT_LT(++wakes, 200);
  }
  EXPECT_EQ(due.size(), 100u);
  EXPECT_LE(now, MonotonicTime(15s + 99ms) + DeadlineWheel::tick);
}

}  // namespace
}  // namespace grey::rpc
