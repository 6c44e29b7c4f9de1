// Time, timers and posted tasks.
#include <set>

#include "tests/transport/scene.h"

namespace grey::transport {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST_P(Conformance, PostedTasksRunLaterAndInOrder) {
  std::vector<int> order;
  Scene scene(GetParam());
  scene.run([&] {
    for (int i = 0; i < 1000; ++i) {
      scene.loop().post([&order, i] { order.push_back(i); });
    }
    EXPECT_TRUE(order.empty());
    scene.loop().post([&] {
      scene.loop().post([&] { order.push_back(1001); });
      order.push_back(1000);
    });
  });
  ASSERT_TRUE(scene.wait([&] { return order.size() == 1002; }));
  scene.end();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(Conformance, ATaskThatPostsItselfLeavesRoomForOthers) {
  bool stop = false;
  bool timer = false;
  std::function<void()> spin;
  Scene scene(GetParam());
  spin = [&] {
    if (!stop) scene.loop().schedule_after(microseconds(1), [&] { scene.loop().post(spin); });
  };
  scene.run([&] {
    spin();
    scene.loop().schedule_after(milliseconds(1), [&] { timer = stop = true; });
  });
  EXPECT_TRUE(scene.wait([&] { return timer; }));
}

TEST_P(Conformance, TimersRunInOrderOfTimeThenOfSchedulingAndNeverEarly) {
  struct Fired {
    MonotonicTime at;
    int serial;
    bool operator<(const Fired& o) const { return std::tie(at, serial) < std::tie(o.at, o.serial); }
  };
  constexpr int count = 10'000;
  std::vector<Fired> fired;
  Random random(7);
  Scene scene(GetParam());
  scene.run([&] {
    const MonotonicTime start = scene.loop().now();
    for (int serial = 0; serial < count; ++serial) {
      // Few distinct times, so that many are equal.
      const MonotonicTime at = start + microseconds(50) * random.below(1000);
      scene.loop().schedule_at(at, [&, at, serial] {
        EXPECT_GE(scene.loop().now(), at);
        fired.push_back({at, serial});
      });
    }
    EXPECT_TRUE(fired.empty());
  });
  ASSERT_TRUE(scene.wait([&] { return fired.size() == count; }));
  scene.end();
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
}

TEST_P(Conformance, TimersCanBeCancelledUntilTheyRun) {
  int ran = 0;
  auto token = std::make_shared<int>(0);
  std::weak_ptr<int> watch = token;
  TimerId cancelled_by_another = 0;
  TimerId self = 0;
  bool done = false;
  Scene scene(GetParam());
  scene.run([&] {
    Transport& loop = scene.loop();
    EXPECT_FALSE(loop.cancel(0));
    EXPECT_FALSE(loop.cancel(123'456'789));
    const TimerId first = loop.schedule_after(hours(1), [&ran, kept = std::move(token)] { ++ran; });
    EXPECT_NE(first, 0u);
    EXPECT_FALSE(watch.expired());
    EXPECT_TRUE(loop.cancel(first));
    EXPECT_TRUE(watch.expired());
    EXPECT_FALSE(loop.cancel(first));
    // One due timer cancels the next that is due, and finds itself gone already.
    const MonotonicTime soon = loop.now() + milliseconds(2);
    self = loop.schedule_at(soon, [&] {
      EXPECT_FALSE(scene.loop().cancel(self));
      EXPECT_TRUE(scene.loop().cancel(cancelled_by_another));
    });
    cancelled_by_another = loop.schedule_at(soon, [&] { ++ran; });
    loop.schedule_at(soon + milliseconds(1), [&] { done = true; });
  });
  ASSERT_TRUE(scene.wait([&] { return done; }));
  scene.end();
  EXPECT_EQ(ran, 0);
}

TEST_P(Conformance, TimersSetInsideTimersAndInThePastRunSoon) {
  std::vector<int> order;
  Scene scene(GetParam());
  scene.run([&] {
    Transport& loop = scene.loop();
    loop.schedule_at(loop.now() - milliseconds(5), [&] {
      order.push_back(1);
      scene.loop().schedule_after(Duration(0), [&] {
        order.push_back(2);
        scene.loop().schedule_after(milliseconds(1), [&] { order.push_back(3); });
      });
      EXPECT_EQ(order.size(), 1u);
    });
    EXPECT_TRUE(order.empty());
  });
  ASSERT_TRUE(scene.wait([&] { return order.size() == 3; }));
  scene.end();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_P(Conformance, TimersOfTheFarFutureDoNotRunAndDoNotOverflow) {
  int ran = 0;
  bool later = false;
  Scene scene(GetParam());
  scene.run([&] {
    Transport& loop = scene.loop();
    loop.schedule_at(never, [&] { ++ran; });
    loop.schedule_after(Duration::max(), [&] { ++ran; });
    loop.schedule_after(hours(24 * 365 * 200), [&] { ++ran; });
    loop.schedule_after(milliseconds(3), [&] { later = true; });
  });
  ASSERT_TRUE(scene.wait([&] { return later; }));
  scene.end();
  EXPECT_EQ(ran, 0);
}

TEST_P(Conformance, TimersAreRandomlySetAndCancelled) {
  std::set<int> expected;
  std::vector<int> ran;
  Random random(11);
  Scene scene(GetParam());
  scene.run([&] {
    Transport& loop = scene.loop();
    std::vector<std::pair<TimerId, int>> live;
    std::set<TimerId> ids;
    for (int i = 0; i < 5000; ++i) {
      const auto delay = microseconds(random.below(20'000));
      const TimerId id = loop.schedule_after(delay, [&ran, i] { ran.push_back(i); });
      EXPECT_TRUE(ids.insert(id).second);
      live.emplace_back(id, i);
      expected.insert(i);
      if (random.chance(0.5)) {
        const auto victim = live.begin() + static_cast<long>(random.below(live.size()));
        EXPECT_TRUE(loop.cancel(victim->first));
        expected.erase(victim->second);
        live.erase(victim);
      }
    }
  });
  ASSERT_TRUE(scene.wait([&] { return ran.size() >= expected.size(); }));
  scene.end();
  EXPECT_EQ(ran.size(), expected.size());
  EXPECT_EQ(std::set<int>(ran.begin(), ran.end()), expected);
}

TEST_P(Conformance, TheClockNeverGoesBack) {
  std::vector<MonotonicTime> seen;
  bool stop = false;
  std::function<void()> look;
  Scene scene(GetParam());
  look = [&] {
    seen.push_back(scene.loop().now());
    EXPECT_GT(scene.loop().unix_time_ns(), 1'600'000'000'000'000'000);
    if (!stop) scene.loop().schedule_after(microseconds(10), look);
  };
  scene.run(look);
  ASSERT_TRUE(scene.wait([&] { return seen.size() > 500; }));
  scene.run([&] { stop = true; });
  scene.end();
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_GT(seen.back(), seen.front());
}

}  // namespace
}  // namespace grey::transport
