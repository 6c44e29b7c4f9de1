#include "tests/storage/engine_conformance.h"

#include <map>

#include "base/random.h"

namespace grey::storage {
namespace {

using Got = Result<std::optional<Bytes>>;

Got value(Bytes bytes) { return std::optional<Bytes>(std::move(bytes)); }
const Got absent = std::optional<Bytes>();

Bytes key_of(int number) {
  Bytes digits = std::to_string(number);
  return "k" + Bytes(6 - digits.size(), '0') + digits;
}

Bytes random_bytes(Random& random, std::size_t size) {
  Bytes bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

TEST_P(EngineConformance, AnEmptyEngineHoldsNothing) {
  EXPECT_EQ(on().get("absent"), absent);
  EXPECT_TRUE(on().contents().empty());
}

TEST_P(EngineConformance, AGetAfterTheCompletionSeesTheCommit) {
  ASSERT_TRUE(on().put("key", "one"));
  EXPECT_EQ(on().get("key"), value("one"));
  ASSERT_TRUE(on().put("key", "two"));
  EXPECT_EQ(on().get("key"), value("two"));
  ASSERT_TRUE(on().remove("key"));
  EXPECT_EQ(on().get("key"), absent);
}

TEST_P(EngineConformance, TheLastChangeOfAKeyInABatchWins) {
  WriteBatch batch;
  batch.put("a", "1");
  batch.put("a", "2");
  batch.put("b", "1");
  batch.remove("b");
  batch.remove("c");
  batch.put("c", "3");
  ASSERT_TRUE(on().commit(std::move(batch)));
  EXPECT_EQ(on().contents(), (std::vector<KeyValue>{{"a", "2"}, {"c", "3"}}));
}

TEST_P(EngineConformance, AnEmptyBatchCompletes) { EXPECT_TRUE(on().commit(WriteBatch())); }

TEST_P(EngineConformance, DeletingWhatIsAbsentIsNoError) {
  EXPECT_TRUE(on().remove("never"));
  EXPECT_TRUE(on().contents().empty());
}

TEST_P(EngineConformance, EmptyAndArbitraryBytesAreKeysAndValues) {
  const Bytes nul("\0\0", 2), high("\xff\xff\xff", 3), mixed("a\0b", 3);
  WriteBatch batch;
  batch.put("", "value of the empty key");
  batch.put(nul, "");
  batch.put(high, mixed);
  batch.put(mixed, nul);
  ASSERT_TRUE(on().commit(std::move(batch)));
  EXPECT_EQ(on().get(""), value("value of the empty key"));
  EXPECT_EQ(on().get(nul), value("")) << "an empty value is not an absent one";
  EXPECT_EQ(on().get(high), value(mixed));
  EXPECT_EQ(on().contents(),
            (std::vector<KeyValue>{
                {"", "value of the empty key"}, {nul, ""}, {mixed, nul}, {high, mixed}}))
      << "bytes are ordered as unsigned";
}

TEST_P(EngineConformance, AScanIsOrderedAndHalfOpen) {
  WriteBatch batch;
  for (const char* key : {"d", "b", "a", "c", "ab"}) batch.put(key, key);
  ASSERT_TRUE(on().commit(std::move(batch)));
  auto page = on().scan("ab", "d");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->entries, (std::vector<KeyValue>{{"ab", "ab"}, {"b", "b"}, {"c", "c"}}));
  EXPECT_FALSE(page->more);
  EXPECT_EQ(on().scan("c", "")->entries.size(), 2u) << "an empty last key means the end";
  EXPECT_TRUE(on().scan("x", "")->entries.empty());
  EXPECT_TRUE(on().scan("b", "b")->entries.empty());
  EXPECT_TRUE(on().scan("c", "b")->entries.empty()) << "an inverted range is empty";
}

TEST_P(EngineConformance, AScanPagesByEntries) {
  WriteBatch batch;
  for (int i = 0; i < 100; ++i) batch.put(key_of(i), std::to_string(i));
  ASSERT_TRUE(on().commit(std::move(batch)));
  std::vector<KeyValue> all;
  Bytes first;
  for (bool more = true; more;) {
    auto page = on().scan(first, "", 7);
    ASSERT_TRUE(page);
    ASSERT_LE(page->entries.size(), 7u);
    more = page->more;
    for (auto& entry : page->entries) all.push_back(std::move(entry));
    first = all.back().key + '\0';
  }
  EXPECT_EQ(all, on().contents());
  EXPECT_EQ(all.size(), 100u);
}

TEST_P(EngineConformance, AScanStopsAtItsBytesButReturnsAtLeastOneEntry) {
  WriteBatch batch;
  for (int i = 0; i < 10; ++i) batch.put(key_of(i), Bytes(1000, 'v'));
  ASSERT_TRUE(on().commit(std::move(batch)));
  auto page = on().scan("", "", 100, 3 * 1007);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->entries.size(), 3u);
  EXPECT_TRUE(page->more);
  page = on().scan("", "", 100, 1);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->entries.size(), 1u);
  EXPECT_TRUE(page->more);
}

TEST_P(EngineConformance, AScanSkipsWhatWasDeleted) {
  WriteBatch batch;
  for (int i = 0; i < 50; ++i) batch.put(key_of(i), "v");
  ASSERT_TRUE(on().commit(std::move(batch)));
  WriteBatch removal;
  for (int i = 0; i < 50; ++i) {
    if (i % 10 != 3) removal.remove(key_of(i));
  }
  ASSERT_TRUE(on().commit(std::move(removal)));
  EXPECT_EQ(on().contents().size(), 5u);
  EXPECT_EQ(on().scan("", "", 2)->entries.back().key, key_of(13));
}

TEST_P(EngineConformance, ASnapshotDoesNotSeeLaterCommits) {
  WriteBatch batch;
  batch.put("changed", "old");
  batch.put("deleted", "old");
  ASSERT_TRUE(on().commit(std::move(batch)));
  const auto before = on().contents();
  const auto snapshot = on().engine().snapshot();
  WriteBatch change;
  change.put("changed", "new");
  change.remove("deleted");
  change.put("added", "new");
  ASSERT_TRUE(on().commit(std::move(change)));
  const auto second = on().engine().snapshot();
  ASSERT_TRUE(on().remove("changed"));

  EXPECT_EQ(on().get("changed", snapshot.get()), value("old"));
  EXPECT_EQ(on().get("deleted", snapshot.get()), value("old"));
  EXPECT_EQ(on().get("added", snapshot.get()), absent);
  EXPECT_EQ(on().scan("", "", 100, 1 << 20, snapshot.get())->entries, before);
  EXPECT_EQ(on().get("changed", second.get()), value("new"));
  EXPECT_EQ(on().contents(), (std::vector<KeyValue>{{"added", "new"}}));
}

TEST_P(EngineConformance, CommitsCompleteInTheOrderOfTheCalls) {
  constexpr int count = 500;
  std::vector<int> completed;
  for (int i = 0; i < count; ++i) {
    WriteBatch batch;
    batch.put("last", std::to_string(i));
    batch.put(key_of(i), "v");
    on().engine().commit(std::move(batch), i % 3 == 0 ? Durability::buffered : Durability::sync,
                         [&completed, i](Status status) {
                           EXPECT_TRUE(status);
                           completed.push_back(i);
                         });
  }
  EXPECT_TRUE(completed.empty()) << "no completion comes from inside the call";
  on().executor().run_until([&] { return completed.size() == count; });
  EXPECT_TRUE(std::ranges::is_sorted(completed));
  EXPECT_EQ(on().get("last"), value(std::to_string(count - 1)));
  EXPECT_EQ(on().contents().size(), count + 1u);
}

TEST_P(EngineConformance, ACallbackMayStartFurtherWork) {
  int done = 0;
  std::function<void(int)> next = [&](int i) {
    WriteBatch batch;
    batch.put("counter", std::to_string(i));
    on().engine().commit(std::move(batch), Durability::sync, [&, i](Status status) {
      ASSERT_TRUE(status);
      on().engine().get("counter", nullptr, [&, i](const Got& got) {
        EXPECT_EQ(got, value(std::to_string(i)));
        done = i;
        if (i < 20) next(i + 1);
      });
    });
  };
  next(1);
  on().executor().run_until([&] { return done == 20; });
}

TEST_P(EngineConformance, ReadsSeeWholeBatches) {
  // Every batch writes the same number to two keys; whatever a scan sees, they are equal.
  int committed = 0, scans = 0;
  for (int i = 1; i <= 200; ++i) {
    WriteBatch batch;
    batch.put("x", std::to_string(i));
    batch.put("y", std::to_string(i));
    on().engine().commit(std::move(batch), Durability::sync, [&](Status) { ++committed; });
    on().engine().scan("", "", 10, 1000, nullptr, [&](Result<ScanPage> page) {
      ++scans;
      ASSERT_TRUE(page);
      if (page->entries.empty()) return;
      ASSERT_EQ(page->entries.size(), 2u);
      EXPECT_EQ(page->entries[0].value, page->entries[1].value);
    });
  }
  on().executor().run_until([&] { return committed == 200 && scans == 200; });
}

TEST_P(EngineConformance, ReopeningKeepsWhatWasCommitted) {
  ASSERT_TRUE(on().put("kept", "1"));
  ASSERT_TRUE(on().put("deleted", "1"));
  ASSERT_TRUE(on().remove("deleted"));
  WriteBatch buffered;
  buffered.put("buffered", "1");
  ASSERT_TRUE(on().commit(std::move(buffered), Durability::buffered));
  on().reopen();
  EXPECT_EQ(on().contents(), (std::vector<KeyValue>{{"buffered", "1"}, {"kept", "1"}}));
}

TEST_P(EngineConformance, ClosingWritesWhatWasQueuedAndCallsNobody) {
  for (int i = 0; i < 50; ++i) {
    WriteBatch batch;
    batch.put(key_of(i), "v");
    on().engine().commit(std::move(batch), Durability::sync,
                         [](Status) { ADD_FAILURE() << "the engine is gone"; });
    on().engine().get(key_of(i), nullptr, [](auto) { ADD_FAILURE() << "the engine is gone"; });
  }
  on().reopen();
  on().executor().run_until_idle();
  EXPECT_EQ(on().contents().size(), 50u);
}

TEST_P(EngineConformance, ACallbackMayDestroyTheEngine) {
  int completions = 0;
  for (int i = 0; i < 10; ++i) {
    WriteBatch batch;
    batch.put(key_of(i), "v");
    on().engine().commit(std::move(batch), Durability::sync, [&](Status) {
      if (++completions == 3) on().close();
    });
  }
  on().executor().run_until([&] { return completions == 3; });
  on().executor().run_until_idle();
  EXPECT_EQ(completions, 3);
  on().reopen();
  EXPECT_EQ(on().contents().size(), 10u);
}

TEST_P(EngineConformance, LargeValuesComeBackWhole) {
  Random random(7);
  const Bytes large = random_bytes(random, 8 << 20);
  ASSERT_TRUE(on().put("large", large));
  EXPECT_TRUE(on().get("large") == value(large));
  on().reopen();
  EXPECT_TRUE(on().get("large") == value(large));
  auto page = on().scan("", "", 10, 1);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->entries.size(), 1u);
  EXPECT_TRUE(page->entries[0].value == large);
}

TEST_P(EngineConformance, AgreesWithAPlainMapUnderRandomUse) {
  Random random(GetParam().name.size());
  std::map<Bytes, Bytes> model;
  for (int round = 0; round < 150; ++round) {
    WriteBatch batch;
    for (auto changes = random.between(0, 8); changes > 0; --changes) {
      Bytes key = random_bytes(random, random.below(3));
      if (random.chance(0.4)) {
        model.erase(key);
        batch.remove(std::move(key));
      } else {
        const Bytes value = random_bytes(random, random.below(40));
        model[key] = value;
        batch.put(std::move(key), value);
      }
    }
    ASSERT_TRUE(on().commit(std::move(batch)));
    if (random.chance(0.05)) on().reopen();
    if (random.chance(0.2)) {
      std::vector<KeyValue> expected;
      for (const auto& [key, value] : model) expected.push_back({key, value});
      ASSERT_EQ(on().contents(), expected) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace grey::storage
