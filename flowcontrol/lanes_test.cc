#include "flowcontrol/lanes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/random.h"

namespace grey::flowcontrol {
namespace {

TEST(LaneQueues, ControlThenDataThenBulk) {
  LaneQueues<int> queues;
  ASSERT_TRUE(queues.push(WorkLane::bulk, 1));
  ASSERT_TRUE(queues.push(WorkLane::data, 2));
  ASSERT_TRUE(queues.push(WorkLane::control, 3));
  ASSERT_TRUE(queues.push(WorkLane::control, 4));
  for (const int expected : {3, 4, 2, 1}) EXPECT_EQ(queues.pop()->second, expected);
  EXPECT_FALSE(queues.pop());
}

TEST(LaneQueues, BulkGetsItsShareOfABusyQueue) {
  LaneQueues<int> queues({.queue_max = {10, 100, 100}, .data_per_bulk = 4});
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(queues.push(WorkLane::data, 0));
    ASSERT_TRUE(queues.push(WorkLane::bulk, 1));
  }
  int bulk = 0;
  for (int i = 0; i < 25; ++i) {
    const auto unit = queues.pop();
    bulk += unit->second;
    queues.finished(unit->first);
  }
  EXPECT_EQ(bulk, 5);
}

TEST(LaneQueues, AFullLaneGivesTheUnitBack) {
  LaneQueues<std::unique_ptr<int>> queues({.queue_max = {1, 1, 1}, .data_per_bulk = 1});
  ASSERT_TRUE(queues.push(WorkLane::data, std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(queues.push(WorkLane::data, std::move(second)));
  ASSERT_NE(second, nullptr);
  EXPECT_TRUE(queues.push(WorkLane::control, std::make_unique<int>(3))) << "lanes are apart";
}

// Any number of hands: never two bulk units in service, control never passed by anything, nothing
// lost, and each lane in order.
TEST(LaneQueues, AtMostOneBulkUnitIsEverAheadOfControl) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    LaneQueues<int> queues;
    std::vector<WorkLane> in_service;
    std::array<int, work_lane_count> pushed{}, popped{};
    for (int step = 0; step < 1000; ++step) {
      const auto lane = static_cast<WorkLane>(random.below(3));
      const auto i = static_cast<std::size_t>(lane);
      if (random.chance(0.5)) {
        if (queues.push(lane, int(pushed[i]))) ++pushed[i];
      } else if (in_service.size() < 8 && random.chance(0.6)) {
        const bool control_waits = queues.waiting(WorkLane::control) > 0;
        if (const auto unit = queues.pop()) {
          const auto j = static_cast<std::size_t>(unit->first);
          ASSERT_TRUE(!control_waits || unit->first == WorkLane::control);
          ASSERT_EQ(unit->second, popped[j]++);
          in_service.push_back(unit->first);
        }
      } else if (!in_service.empty()) {
        const std::size_t k = random.below(in_service.size());
        queues.finished(in_service[k]);
        in_service.erase(in_service.begin() + static_cast<std::ptrdiff_t>(k));
      }
      ASSERT_LE(std::ranges::count(in_service, WorkLane::bulk), 1);
    }
  }
}

}  // namespace
}  // namespace grey::flowcontrol
