#include "transport/timed_heap.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace grey::transport {
namespace {

MonotonicTime at(std::int64_t t) { return MonotonicTime(Duration(t)); }

TEST(TimedHeap, KeepsTimeThenInsertionOrderUnderRandomUse) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    TimedHeap<int> heap;
    std::map<std::pair<MonotonicTime, int>, TimedHeap<int>::Id> model;  // (time, serial) -> id
    for (int serial = 0; serial < 3000; ++serial) {
      const auto t = at(static_cast<std::int64_t>(random.below(50)));
      model[{t, serial}] = heap.push(t, serial);
      if (random.chance(0.3) && !model.empty()) {
        auto victim = std::next(model.begin(), static_cast<long>(random.below(model.size())));
        ASSERT_EQ(heap.remove(victim->second), victim->first.second);
        ASSERT_FALSE(heap.remove(victim->second).has_value());
        model.erase(victim);
      }
      if (random.chance(0.3) && !model.empty()) {
        ASSERT_EQ(heap.top_time(), model.begin()->first.first);
        ASSERT_EQ(heap.pop(), model.begin()->first.second);
        ASSERT_EQ(heap.get(model.begin()->second), nullptr);
        model.erase(model.begin());
      }
    }
    for (const auto& [key, id] : model) ASSERT_EQ(heap.pop(), key.second);
    ASSERT_TRUE(heap.empty());
  }
}

TEST(TimedHeap, DetachedEntriesKeepTheirPlaceAndCanBeRemoved) {
  TimedHeap<int> heap;
  heap.push(at(1), 1);
  heap.push(at(2), 2);
  const auto third = heap.push(at(3), 3);
  const auto a = heap.detach_top();
  const auto b = heap.detach_top();
  heap.push(at(2), 4);
  EXPECT_EQ(heap.remove(b), 2);
  heap.reattach(b);
  heap.reattach(a);
  EXPECT_EQ(*heap.get(third), 3);
  EXPECT_EQ(heap.pop(), 1);
  EXPECT_EQ(heap.pop(), 4);
  EXPECT_EQ(heap.pop(), 3);
  EXPECT_TRUE(heap.empty());
}

TEST(TimedHeap, RemoveIfReturnsInOrderOfInsertion) {
  TimedHeap<int> heap;
  for (int i = 0; i < 10; ++i) heap.push(at(100 - i), i);
  EXPECT_EQ(heap.remove_if([](int v) { return v % 2 == 0; }), (std::vector<int>{0, 2, 4, 6, 8}));
  EXPECT_EQ(heap.pop(), 9);
  EXPECT_EQ(heap.size(), 4u);
}

}  // namespace
}  // namespace grey::transport
