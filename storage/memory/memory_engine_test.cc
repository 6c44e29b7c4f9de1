#include "storage/memory/memory_engine.h"

#include <gtest/gtest.h>

#include "storage/testing/test_executor.h"

namespace grey::storage {
namespace {

using std::chrono::milliseconds;

class MemoryEngineTest : public testing::Test {
 protected:
  void open() {
    engine_.reset();
    engine_ = std::make_unique<MemoryEngine>(disk_, executor_);
  }
  void crash() {
    disk_.crash(random_);
    engine_.reset();
    open();
  }
  // Commits `number` under its own key and, in the same batch, under "last".
  void commit(int number, Durability durability = Durability::sync) {
    WriteBatch batch;
    batch.put("n" + std::to_string(number), "x");
    batch.put("last", std::to_string(number));
    engine_->commit(std::move(batch), durability, [this, number](Status status) {
      completed_.push_back({number, status ? ErrorCode::ok : status.error().code});
    });
  }
  Result<std::optional<Bytes>> get(ByteView key) {
    Result<std::optional<Bytes>> result = fail(ErrorCode::cancelled);
    engine_->get(key, nullptr, [&](auto r) { result = std::move(r); });
    executor_.run_until_idle();
    return result;
  }
  // How many of the numbered batches are there; fails if that is not a prefix of 1, 2, 3…
  int surviving_prefix() {
    Result<ScanPage> page = ScanPage();
    engine_->scan("", "", 10000, 1 << 20, nullptr, [&](auto r) { page = std::move(r); });
    executor_.run_until_idle();
    const int count = std::max(0, static_cast<int>(page->entries.size()) - 1);
    if (count > 0) {
      EXPECT_EQ(page->entries.front(), (KeyValue{"last", std::to_string(count)}));
      for (int i = 1; i <= count; ++i) EXPECT_TRUE(get("n" + std::to_string(i))->has_value());
    }
    return count;
  }
  using Completion = std::pair<int, ErrorCode>;

  TestExecutor executor_;
  Random random_{11};
  MemoryDisk disk_{Random(12)};
  std::unique_ptr<MemoryEngine> engine_;
  std::vector<Completion> completed_;
};

TEST_F(MemoryEngineTest, CommitsWaitingWhenASyncStartsShareIt) {
  disk_.options().sync_latency_min = disk_.options().sync_latency_max = milliseconds(1);
  open();
  commit(1);
  executor_.run_one();  // the first sync starts with what is there
  for (int i = 2; i <= 10; ++i) commit(i);
  executor_.run_until_idle();
  EXPECT_EQ(completed_.size(), 10u);
  EXPECT_EQ(disk_.counters().syncs, 2u);
  EXPECT_EQ(executor_.now().time_since_epoch(), milliseconds(2));
}

TEST_F(MemoryEngineTest, ACrashKeepsWhatWasSyncedAndAPrefixOfTheRest) {
  std::set<int> outcomes;
  for (int round = 0; round < 200; ++round) {
    MemoryDisk disk(Random(static_cast<std::uint64_t>(round)));
    disk.options().early_visibility_chance = 0.5;
    auto engine = std::make_unique<MemoryEngine>(disk, executor_);
    engine_.swap(engine);
    completed_.clear();
    commit(1);
    commit(2);
    executor_.run_until_idle();
    ASSERT_EQ(completed_.size(), 2u);
    for (int i = 3; i <= 6; ++i) commit(i, i == 4 ? Durability::buffered : Durability::sync);
    disk.crash(random_);
    executor_.run_until_idle();
    EXPECT_EQ(completed_.size(), 2u) << "a dead engine completes nothing";
    engine_ = std::make_unique<MemoryEngine>(disk, executor_);
    const int survived = surviving_prefix();
    EXPECT_GE(survived, 2);
    outcomes.insert(survived);
    EXPECT_EQ(disk.counters().lost_batches + disk.counters().survived_batches, 4u);
    engine_.reset();
  }
  EXPECT_EQ(outcomes, (std::set<int>{2, 3, 4, 5, 6})) << "every prefix happens";
}

TEST_F(MemoryEngineTest, BufferedCommitsAreLostInACrashUnlessALaterSyncCoversThem) {
  open();
  commit(1, Durability::buffered);
  commit(2);
  executor_.run_until_idle();
  crash();
  EXPECT_EQ(surviving_prefix(), 2);
  bool lost = false;
  for (int i = 3; i < 30 && !lost; ++i) {
    commit(i, Durability::buffered);
    executor_.run_until_idle();
    EXPECT_EQ(completed_.back(), Completion(i, ErrorCode::ok));
    EXPECT_TRUE(get("n" + std::to_string(i))->has_value());
    crash();
    lost = !get("n" + std::to_string(i))->has_value();
  }
  EXPECT_TRUE(lost);
}

// The node dies exactly at every sync point of a run, one point a run.
TEST_F(MemoryEngineTest, ACrashAtAnySyncPointLosesNothingAcknowledged) {
  constexpr int commits = 6;
  bool crashed = true;
  for (std::uint64_t point = 1; crashed; ++point) {
    ASSERT_LT(point, 50u);
    crashed = false;
    MemoryDisk disk{Random(point)};
    disk.options().sync_latency_max = milliseconds(3);
    completed_.clear();
    engine_ = std::make_unique<MemoryEngine>(disk, executor_);
    disk.set_sync_hook([&](SyncPoint) {
      if (disk.counters().sync_points != point) return;
      disk.crash(random_);
      engine_.reset();  // from inside the engine's own call
      crashed = true;
    });
    for (int i = 1; i <= commits && engine_; ++i) {
      commit(i);
      if (i % 2 == 0) executor_.run_until_idle();
    }
    executor_.run_until_idle();
    const std::size_t acknowledged = completed_.size();
    EXPECT_TRUE(crashed || acknowledged == commits);
    engine_.reset();
    disk.set_sync_hook({});
    engine_ = std::make_unique<MemoryEngine>(disk, executor_);
    EXPECT_GE(surviving_prefix(), static_cast<int>(acknowledged));
    EXPECT_EQ(disk.counters().crashes, crashed ? 1u : 0u);
    engine_.reset();
  }
}

TEST_F(MemoryEngineTest, ABatchBeingWrittenAtTheCrashMayVanishWhole) {
  for (int i = 0; i < 50 && disk_.counters().torn_batches == 0; ++i) {
    disk_.options().sync_latency_min = disk_.options().sync_latency_max = milliseconds(1);
    open();
    commit(1);
    executor_.run_one();
    disk_.crash(random_);
    engine_.reset();
  }
  EXPECT_GT(disk_.counters().torn_batches, 0u);
  EXPECT_EQ(disk_.counters().torn_batches, disk_.counters().lost_batches);
}

TEST_F(MemoryEngineTest, RefusedCommitsAreNotAppliedAndKeepTheirPlaceInTheOrder) {
  open();
  commit(1);
  disk_.options().commit_io_error_chance = 1;
  commit(2);
  disk_.options().commit_io_error_chance = 0;
  disk_.options().commit_full_chance = 1;
  commit(3);
  disk_.options().commit_full_chance = 0;
  commit(4);
  executor_.run_until_idle();
  EXPECT_EQ(completed_, (std::vector<Completion>{{1, ErrorCode::ok},
                                                 {2, ErrorCode::storage_io},
                                                 {3, ErrorCode::storage_full},
                                                 {4, ErrorCode::ok}}));
  EXPECT_FALSE(get("n2")->has_value());
  EXPECT_FALSE(get("n3")->has_value());
  EXPECT_EQ(disk_.counters().commit_io_errors, 1u);
  EXPECT_EQ(disk_.counters().commits_refused_full, 1u);
}

TEST_F(MemoryEngineTest, AFullDiskRefusesGrowthButNotDeletes) {
  disk_.options().capacity_bytes = 100;
  open();
  WriteBatch large;
  large.put("large", Bytes(90, 'x'));
  ErrorCode code = ErrorCode::cancelled;
  const auto note = [&](Status status) { code = status ? ErrorCode::ok : status.error().code; };
  engine_->commit(std::move(large), Durability::sync, note);
  executor_.run_until_idle();
  EXPECT_EQ(code, ErrorCode::ok);
  commit(1);
  executor_.run_until_idle();
  EXPECT_EQ(completed_.back().second, ErrorCode::storage_full);
  WriteBatch removal;
  removal.remove("large");
  engine_->commit(std::move(removal), Durability::sync, note);
  executor_.run_until_idle();
  EXPECT_EQ(code, ErrorCode::ok);
  commit(1);
  executor_.run_until_idle();
  EXPECT_EQ(completed_.back().second, ErrorCode::ok);
}

TEST_F(MemoryEngineTest, AfterAFailedSyncNothingIsAccepted) {
  open();
  commit(1);
  executor_.run_until_idle();
  disk_.options().sync_failure_chance = 1;
  commit(2);
  commit(3);
  executor_.run_until_idle();
  disk_.options().sync_failure_chance = 0;
  commit(4);
  commit(5, Durability::buffered);
  EXPECT_EQ(get("n1").error().code, ErrorCode::sync_failed);
  EXPECT_EQ(completed_, (std::vector<Completion>{{1, ErrorCode::ok},
                                                 {2, ErrorCode::sync_failed},
                                                 {3, ErrorCode::sync_failed},
                                                 {4, ErrorCode::sync_failed},
                                                 {5, ErrorCode::sync_failed}}));
  EXPECT_EQ(disk_.counters().failed_syncs, 1u);
  engine_.reset();
  open();
  EXPECT_EQ(surviving_prefix(), 1) << "what was never synced is gone";
}

TEST_F(MemoryEngineTest, ReadFaultsFire) {
  open();
  commit(1);
  executor_.run_until_idle();
  disk_.options().read_io_error_chance = 1;
  EXPECT_EQ(get("n1").error().code, ErrorCode::storage_io);
  disk_.options().read_io_error_chance = 0;
  disk_.options().bit_rot_chance = 1;
  const auto rotten = get("n1");
  EXPECT_EQ((**rotten)[0] ^ 'x', 1 << std::countr_zero(static_cast<unsigned>((**rotten)[0] ^ 'x')))
      << "exactly one bit differs";
  disk_.options().bit_rot_chance = 0;
  EXPECT_EQ(**get("n1"), "x") << "the stored value is sound";
  EXPECT_TRUE(disk_.rot_stored_bit("n1", random_));
  EXPECT_NE(**get("n1"), "x");
  EXPECT_NE(**get("n1"), "x") << "this time it is not";
  EXPECT_FALSE(disk_.rot_stored_bit("absent", random_));
  EXPECT_EQ(disk_.counters().read_io_errors, 1u);
  EXPECT_EQ(disk_.counters().rotten_bits, 2u);
}

TEST_F(MemoryEngineTest, StallsAndSlowReadsTakeTheirTime) {
  disk_.options().sync_stall_chance = 1;
  disk_.options().sync_stall_min = disk_.options().sync_stall_max = milliseconds(700);
  disk_.options().slow_read_chance = 1;
  disk_.options().slow_read_min = disk_.options().slow_read_max = milliseconds(50);
  open();
  commit(1);
  executor_.run_until_idle();
  EXPECT_EQ(executor_.now().time_since_epoch(), milliseconds(700));
  EXPECT_EQ(**get("n1"), "x");
  EXPECT_EQ(executor_.now().time_since_epoch(), milliseconds(750));
  EXPECT_EQ(disk_.counters().stalled_syncs, 1u);
  EXPECT_EQ(disk_.counters().slow_reads, 1u);
}

TEST_F(MemoryEngineTest, ACommitIsInvisibleUntilSyncedUnlessTheDiskShowsItEarly) {
  disk_.options().sync_latency_min = disk_.options().sync_latency_max = milliseconds(1);
  for (const bool early : {false, true}) {
    disk_.options().early_visibility_chance = early ? 1 : 0;
    open();
    commit(early ? 2 : 1);
    const auto snapshot = engine_->snapshot();
    std::optional<bool> seen;
    engine_->get(early ? "n2" : "n1", snapshot.get(), [&](auto r) { seen = r->has_value(); });
    while (!seen) executor_.run_one();
    EXPECT_EQ(seen, early);
    executor_.run_until_idle();
  }
  EXPECT_EQ(disk_.counters().early_visible_commits, 1u);
}

TEST_F(MemoryEngineTest, ASnapshotMayOutliveACrashOfItsDisk) {
  open();
  commit(1);
  executor_.run_until_idle();
  auto snapshot = engine_->snapshot();
  disk_.crash(random_);
  auto late = engine_->snapshot();
  snapshot.reset();
  late.reset();
  engine_.reset();
  open();
  EXPECT_EQ(surviving_prefix(), 1);
}

// Two runs with the same seeds are the same run, faults and all.
TEST_F(MemoryEngineTest, ARunReplaysExactly) {
  const auto run = [](std::uint64_t seed) {
    TestExecutor executor;
    Random random(seed);
    MemoryDisk disk(random.fork(), {.sync_latency_max = milliseconds(2),
                                    .read_latency_max = milliseconds(1),
                                    .sync_stall_chance = 0.1,
                                    .sync_stall_max = milliseconds(9),
                                    .slow_read_chance = 0.1,
                                    .slow_read_max = milliseconds(9),
                                    .commit_io_error_chance = 0.02,
                                    .commit_full_chance = 0.02,
                                    .bit_rot_chance = 0.02,
                                    .early_visibility_chance = 0.3});
    Bytes transcript;
    const auto note = [&](ByteView what) {
      transcript += std::to_string(executor.now().time_since_epoch().count());
      transcript += what;
      transcript += '\n';
    };
    auto engine = std::make_unique<MemoryEngine>(disk, executor);
    for (int i = 0; i < 2000; ++i) {
      const Bytes key = "k" + std::to_string(random.below(20));
      WriteBatch batch;
      batch.put(key, std::to_string(i));
      engine->commit(std::move(batch), random.chance(0.8) ? Durability::sync : Durability::buffered,
                     [&](Status s) { note(s ? "ok" : s.error().message()); });
      engine->get(key, nullptr, [&](auto r) { note(*r ? **r : "absent"); });
      for (auto steps = random.below(4); steps > 0; --steps) executor.run_one();
      if (random.chance(0.01)) {
        disk.crash(random);
        engine.reset();
        engine = std::make_unique<MemoryEngine>(disk, executor);
      }
    }
    executor.run_until_idle();
    EXPECT_GT(disk.counters().crashes, 0u);
    EXPECT_GT(disk.counters().lost_batches, 0u);
    EXPECT_GT(disk.counters().survived_batches, 0u);
    EXPECT_GT(disk.counters().rotten_bits, 0u);
    return std::pair(transcript, disk.counters());
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5).first, run(6).first);
}

}  // namespace
}  // namespace grey::storage
