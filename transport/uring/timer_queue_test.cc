#include "transport/uring/timer_queue.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace grey::transport::uring {
namespace {

MonotonicTime at(std::int64_t ns) { return MonotonicTime(Duration(ns)); }

TEST(TimerQueue, FiresInOrderOfTimeThenOfMaking) {
  TimerQueue queue;
  std::string fired;
  queue.add(at(20), [&] { fired += 'c'; });
  queue.add(at(10), [&] { fired += 'a'; });
  queue.add(at(20), [&] { fired += 'd'; });
  queue.add(at(10), [&] { fired += 'b'; });
  EXPECT_EQ(queue.next(), at(10));
  EXPECT_FALSE(queue.take_due(at(9), queue.mark()).has_value());
  while (auto task = queue.take_due(at(20), queue.mark())) (*task)();
  EXPECT_EQ(fired, "abcd");
  EXPECT_EQ(queue.next(), never);
}

TEST(TimerQueue, LeavesYoungerTimersToTheNextRound) {
  TimerQueue queue;
  int rounds = 0;
  queue.add(at(0), [&] { ++rounds; });
  const TimerId mark = queue.mark();
  queue.add(at(0), [&] { ++rounds; });
  while (auto task = queue.take_due(at(5), mark)) (*task)();
  EXPECT_EQ(rounds, 1);
  EXPECT_EQ(queue.size(), 1u);
}

TEST(TimerQueue, CancelDestroysTheTaskAndIdsAreNotReused) {
  TimerQueue queue;
  const auto held = std::make_shared<int>(1);
  const TimerId first = queue.add(at(1), [held] {});
  EXPECT_EQ(held.use_count(), 2);
  EXPECT_TRUE(queue.cancel(first));
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(queue.cancel(first));
  const TimerId second = queue.add(at(1), [] {});
  EXPECT_NE(first, second);
  EXPECT_FALSE(queue.cancel(first)) << "the old id must not name the new timer";
  EXPECT_FALSE(queue.cancel(0));
  EXPECT_EQ(queue.size(), 1u);
}

TEST(TimerQueue, AgreesWithAnOrderedMapUnderRandomUse) {
  Random random(7);
  TimerQueue queue;
  std::map<std::pair<MonotonicTime, TimerId>, int> model;
  std::vector<std::pair<MonotonicTime, TimerId>> made;
  int fired = -1;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t choice = random.below(10);
    if (choice < 5) {
      const MonotonicTime when = at(static_cast<std::int64_t>(random.below(1000)));
      const TimerId id = queue.add(when, [&fired, step] { fired = step; });
      model[{when, id}] = step;
      made.push_back({when, id});
    } else if (choice < 8 && !made.empty()) {
      const auto key = made[random.below(made.size())];
      EXPECT_EQ(queue.cancel(key.second), model.erase(key) == 1);
    } else if (!model.empty()) {
      EXPECT_EQ(queue.next(), model.begin()->first.first);
      auto task = queue.take_due(never, queue.mark());
      ASSERT_TRUE(task.has_value());
      (*task)();
      EXPECT_EQ(fired, model.begin()->second);
      model.erase(model.begin());
    }
    ASSERT_EQ(queue.size(), model.size());
  }
}

}  // namespace
}  // namespace grey::transport::uring
