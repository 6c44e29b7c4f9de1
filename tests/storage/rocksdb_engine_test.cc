// The engine's bounds, its threads and its opening. (What all engines promise: tests/storage/.)
#include "storage/rocksdb/rocksdb_engine.h"

#include <unistd.h>

#include <algorithm>

#include "tests/storage/rocksdb_fixture.h"

namespace grey::storage {
namespace {

class RocksDbEngineTest : public RocksDbFixture {};

TEST_F(RocksDbEngineTest, WhatQueuesDuringASyncSharesTheNextAndOnePost) {
  disk_->hold_syncs(true);
  start_commit(0);
  disk_->await_held_sync();
  for (int i = 1; i <= 100; ++i) start_commit(i);
  const int syncs = disk_->log_syncs();
  const auto posts = executor_.posts();
  disk_->hold_syncs(false);
  await_outcomes(101);
  EXPECT_EQ(disk_->log_syncs(), syncs + 1);
  EXPECT_LE(executor_.posts(), posts + 2);
  EXPECT_TRUE(std::ranges::all_of(outcomes_, [](ErrorCode c) { return c == ErrorCode::ok; }));
}

TEST_F(RocksDbEngineTest, AFullQueueRefusesInOrderAndRecovers) {
  options_.commit_queue_bytes_max = 100'000;
  open();
  disk_->hold_syncs(true);
  start_commit(0);
  disk_->await_held_sync();
  for (int i = 1; i <= 20; ++i) start_commit(i, 10'000);
  start_commit(21);
  disk_->hold_syncs(false);
  await_outcomes(22);
  const auto refused = std::ranges::count(outcomes_, ErrorCode::overloaded);
  EXPECT_EQ(outcomes_[1], ErrorCode::ok);
  EXPECT_EQ(outcomes_[20], ErrorCode::overloaded);
  EXPECT_GE(refused, 10);
  EXPECT_TRUE(holds(1));
  EXPECT_FALSE(holds(20)) << "a refused commit is not applied";
  EXPECT_EQ(commit(30, 10'000), ErrorCode::ok);
}

TEST_F(RocksDbEngineTest, ACommitLargerThanTheQueueIsTakenWhenItIsEmpty) {
  options_.commit_queue_bytes_max = 1000;
  open();
  EXPECT_EQ(commit(1, 1 << 20), ErrorCode::ok);
  EXPECT_EQ((*get(1))->size(), 1u << 20);
}

TEST_F(RocksDbEngineTest, TooManyReadsAreRefused) {
  options_.reads_queued_max = 0;
  open();
  EXPECT_EQ(get(1).error().code, ErrorCode::overloaded);
}

TEST_F(RocksDbEngineTest, ReadersWaitForTheExecutorInsteadOfFillingMemory) {
  options_.read_results_bytes_max = 1;
  open();
  EXPECT_EQ(commit(1, 1000), ErrorCode::ok);
  int delivered = 0;
  for (int i = 0; i < 200; ++i) {
    engine_->get("n1", nullptr, [&](auto value) {
      EXPECT_EQ((*value)->size(), 1000u);
      ++delivered;
    });
  }
  executor_.run_until([&] { return delivered == 200; });
}

TEST_F(RocksDbEngineTest, AQueuedReadKeepsItsSnapshotAlive) {
  EXPECT_EQ(commit(1, 10), ErrorCode::ok);
  auto snapshot = engine_->snapshot();
  EXPECT_EQ(commit(1, 20), ErrorCode::ok);
  std::size_t size = 0;
  engine_->get("n1", snapshot.get(), [&](auto value) { size = (*value)->size(); });
  snapshot.reset();
  executor_.run_until([&] { return size != 0; });
  EXPECT_EQ(size, 10u);
}

TEST_F(RocksDbEngineTest, OpeningWhatIsNotThereNeverMakesIt) {
  const auto missing = RocksDbEngine::open(directory_ / "other", {}, executor_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::storage_uninitialised) << missing.error().message();
  EXPECT_NE(missing.error().detail.find("other"), std::string::npos);
}

TEST_F(RocksDbEngineTest, CreatingOverADatabaseIsRefused) {
  engine_.reset();
  const auto again = RocksDbEngine::create(path_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::not_empty) << again.error().message();
}

TEST_F(RocksDbEngineTest, OnlyOneOpensIt) {
  const auto second = RocksDbEngine::open(path_, {}, executor_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::storage_locked) << second.error().message();
}

TEST_F(RocksDbEngineTest, ADatabaseThatLostAFileIsCorrupt) {
  options_.memtable_bytes_max = 4 * (64 << 10);
  open();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(commit(i, 4000), ErrorCode::ok);
  engine_.reset();
  std::filesystem::remove(newest_file(".sst"));
  EXPECT_EQ(reopening(), ErrorCode::storage_corrupt);
}

TEST_F(RocksDbEngineTest, AnUnusablePathIsOneClearError) {
  std::ofstream(directory_ / "file") << "not a directory";
  const auto under_a_file = RocksDbEngine::create(directory_ / "file/db");
  ASSERT_FALSE(under_a_file);
  EXPECT_EQ(under_a_file.error().code, ErrorCode::storage_io);
  EXPECT_NE(under_a_file.error().detail.find("Not a directory"), std::string::npos)
      << under_a_file.error().message();
}

}  // namespace
}  // namespace grey::storage
