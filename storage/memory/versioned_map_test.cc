#include "storage/memory/versioned_map.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace grey::storage {
namespace {

WriteBatch one(Bytes key, std::optional<Bytes> value) {
  WriteBatch batch;
  if (value) {
    batch.put(std::move(key), *std::move(value));
  } else {
    batch.remove(std::move(key));
  }
  return batch;
}

TEST(VersionedMap, ReadsAsOfASequence) {
  VersionedMap map;
  map.apply(one("k", "one"), 1);
  map.apply(one("k", std::nullopt), 2);
  map.apply(one("k", "three"), 3);
  EXPECT_EQ(map.find("k", 0), nullptr);
  EXPECT_EQ(*map.find("k", 1), "one");
  EXPECT_EQ(map.find("k", 2), nullptr);
  EXPECT_EQ(*map.find("k", 3), "three");
}

TEST(VersionedMap, RollbackRestoresWhatWasBefore) {
  VersionedMap map;
  map.apply(one("k", "one"), 1);
  map.apply(one("k", "two"), 2);
  map.apply(one("new", "x"), 3);
  map.rollback(1);
  EXPECT_EQ(*map.find("k", 9), "one");
  EXPECT_EQ(map.find("new", 9), nullptr);
  EXPECT_EQ(map.size_bytes(), 4u);
  map.rollback(0);
  EXPECT_EQ(map.size_bytes(), 0u);
}

TEST(VersionedMap, BelowTheFloorOnlyTheNewestIsKept) {
  VersionedMap map;
  map.apply(one("k", "one"), 1);
  map.apply(one("k", "two"), 2);
  map.apply(one("k", "three"), 3);
  map.raise_floor(2);
  EXPECT_EQ(map.find("k", 1), nullptr) << "forgotten";
  EXPECT_EQ(*map.find("k", 2), "two");
  map.rollback(2);
  EXPECT_EQ(*map.find("k", 9), "two");
}

// Against a history of plain maps, with random batches, rollbacks and floors.
TEST(VersionedMap, AgreesWithCopiesOfAPlainMap) {
  Random random(3);
  VersionedMap map;
  std::map<VersionedMap::Sequence, std::map<Bytes, Bytes>> history{{0, {}}};
  VersionedMap::Sequence floor = 0, next = 1;
  for (int round = 0; round < 5000; ++round) {
    auto state = history.rbegin()->second;
    WriteBatch batch;
    for (auto changes = random.between(1, 4); changes > 0; --changes) {
      const Bytes key(1, static_cast<char>('a' + random.below(8)));
      if (random.chance(0.5)) {
        state.erase(key);
        batch.remove(key);
      } else {
        state[key] = std::to_string(round);
        batch.put(key, std::to_string(round));
      }
    }
    map.apply(std::move(batch), next);
    history[next++] = std::move(state);
    if (random.chance(0.1)) {
      auto to = history.begin();
      std::advance(to, static_cast<std::ptrdiff_t>(random.below(history.size())));
      map.rollback(to->first);
      history.erase(std::next(to), history.end());
    }
    if (random.chance(0.2)) {
      auto to = history.begin();
      std::advance(to, static_cast<std::ptrdiff_t>(random.below(history.size())));
      floor = to->first;
      map.raise_floor(floor);
      history.erase(history.begin(), to);
    }
    for (const auto& [sequence, expected] : history) {
      std::vector<KeyValue> entries;
      for (const auto& [key, value] : expected) entries.push_back({key, value});
      ASSERT_EQ(map.scan("", "", 100, 1 << 20, sequence).entries, entries);
    }
  }
}

}  // namespace
}  // namespace grey::storage
