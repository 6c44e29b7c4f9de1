// The disk fails underneath the engine.
#include "tests/storage/rocksdb_fixture.h"

namespace grey::storage {
namespace {

using rocksdb::IOStatus;

class RocksDbFaults : public RocksDbFixture {};

TEST_F(RocksDbFaults, ANearlyFullDiskRefusesCommitsUntilThereIsRoomAgain) {
  EXPECT_EQ(commit(1), ErrorCode::ok);
  disk_->set_free_bytes(options_.free_bytes_min - 1);
  EXPECT_EQ(commit(2), ErrorCode::storage_full);
  EXPECT_TRUE(holds(1)) << "reads go on";
  EXPECT_FALSE(holds(2));
  EXPECT_TRUE(engine_->health());
  WriteBatch removal;
  removal.remove("n1");
  bool removed = false;
  engine_->commit(std::move(removal), Durability::sync, [&](Status s) { removed = s.has_value(); });
  EXPECT_EQ(commit(3), ErrorCode::storage_full);
  EXPECT_TRUE(removed) << "deletes pass";
  disk_->set_free_bytes(options_.free_bytes_min);
  EXPECT_EQ(commit(4), ErrorCode::ok);
  ASSERT_EQ(reopening(), ErrorCode::ok);
  EXPECT_FALSE(holds(1));
  EXPECT_TRUE(holds(4));
}

// The device fills up between the check and the write. What was torn stays in the log; it must
// neither hide what came before nor make the log look corrupt.
TEST_F(RocksDbFaults, ALogThatRunsFullEndsServiceAndRecoversWhenOpenedAgain) {
  for (const std::size_t torn : {0, 1, 5, 7, 20, 40}) {
    const int base = static_cast<int>(torn) * 10;
    EXPECT_EQ(commit(base), ErrorCode::ok);
    disk_->set({".log", IOStatus::NoSpace("No space left on device"), IOStatus::OK(), torn});
    EXPECT_EQ(commit(base + 1, 100), ErrorCode::storage_full);
    disk_->heal();
    EXPECT_EQ(commit(base + 2), ErrorCode::storage_full);
    EXPECT_EQ(engine_->health().error().code, ErrorCode::storage_full);
    EXPECT_TRUE(holds(base));
    ASSERT_EQ(reopening(), ErrorCode::ok) << torn;
    EXPECT_TRUE(holds(base)) << torn;
    EXPECT_FALSE(holds(base + 2)) << torn;
    EXPECT_EQ(commit(base + 3), ErrorCode::ok);
  }
}

TEST_F(RocksDbFaults, ABrokenDeviceEndsCommitsButNotReads) {
  EXPECT_EQ(commit(1), ErrorCode::ok);
  disk_->set({".log", IOStatus::IOError("Input/output error")});
  EXPECT_EQ(commit(2), ErrorCode::storage_io);
  disk_->heal();
  EXPECT_EQ(commit(3), ErrorCode::storage_io) << "the log's state is unknown until it is recovered";
  EXPECT_TRUE(holds(1));
  EXPECT_EQ(engine_->health().error().code, ErrorCode::storage_io);
  ASSERT_EQ(reopening(), ErrorCode::ok);
  EXPECT_TRUE(holds(1));
  EXPECT_EQ(commit(4), ErrorCode::ok);
}

TEST_F(RocksDbFaults, AfterAFailedSyncNothingIsAcceptedOrRead) {
  EXPECT_EQ(commit(1), ErrorCode::ok);
  disk_->hold_syncs(true);
  start_commit(2);
  disk_->await_held_sync();
  start_commit(3);
  disk_->set({".log", IOStatus::OK(), IOStatus::IOError("Input/output error")});
  disk_->hold_syncs(false);
  await_outcomes(3);
  disk_->heal();
  EXPECT_EQ(commit(4), ErrorCode::sync_failed);
  EXPECT_EQ(outcomes_, (std::vector{ErrorCode::ok, ErrorCode::sync_failed, ErrorCode::sync_failed,
                                    ErrorCode::sync_failed}));
  EXPECT_EQ(get(1).error().code, ErrorCode::sync_failed);
  EXPECT_EQ(engine_->health().error().code, ErrorCode::sync_failed);
  ASSERT_EQ(reopening(), ErrorCode::ok);
  EXPECT_TRUE(holds(1));
}

class RocksDbBackgroundFaults : public RocksDbFixture {
 protected:
  RocksDbBackgroundFaults() { options_.memtable_bytes_max = 4 * (64 << 10); }
  // Commits until one fails; its error. Flushes happen every few commits.
  ErrorCode commit_until_failure() {
    for (int number = 1000; number < 3000; ++number) {
      const ErrorCode code = commit(number, 4000);
      if (code != ErrorCode::ok) return code;
    }
    return ErrorCode::ok;
  }
};

TEST_F(RocksDbBackgroundFaults, AFullDiskDuringAFlushIsSurfacedAndSurvived) {
  disk_->set({".sst", IOStatus::NoSpace("No space left on device")});
  EXPECT_EQ(commit_until_failure(), ErrorCode::storage_full);
  executor_.run_until([&] { return !background_errors_.empty(); });
  EXPECT_EQ(background_errors_.front().code, ErrorCode::storage_full);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(commit(1), ErrorCode::storage_full) << "still full";
  EXPECT_TRUE(holds(1000)) << "reads go on";
  disk_->heal();
  EXPECT_EQ(commit(2), ErrorCode::ok);
  ASSERT_EQ(reopening(), ErrorCode::ok);
  EXPECT_TRUE(holds(2));
  EXPECT_TRUE(holds(1000));
}

TEST_F(RocksDbBackgroundFaults, AFailedSyncOfATableIsFatalToo) {
  disk_->set({".sst", IOStatus::OK(), IOStatus::IOError("Input/output error")});
  EXPECT_EQ(commit_until_failure(), ErrorCode::sync_failed);
  executor_.run_until([&] { return !background_errors_.empty(); });
  EXPECT_EQ(background_errors_.front().code, ErrorCode::sync_failed);
  disk_->heal();
  EXPECT_EQ(commit(1), ErrorCode::sync_failed);
  ASSERT_EQ(reopening(), ErrorCode::ok);
  EXPECT_TRUE(holds(1000)) << "the log still has it";
}

void flip_byte(const std::string& path, std::uintmax_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ 0x10));
}

TEST_F(RocksDbFaults, ALogCutShortAtItsEndOpens) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(commit(i, 500), ErrorCode::ok);
  engine_.reset();
  const std::string log = newest_file(".log");
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 100);
  ASSERT_EQ(reopening(), ErrorCode::ok);
  EXPECT_TRUE(holds(18));
  EXPECT_FALSE(holds(19)) << "the write that was cut goes whole";
}

TEST_F(RocksDbFaults, ALogDamagedBeforeItsEndIsRefused) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(commit(i, 500), ErrorCode::ok);
  engine_.reset();
  flip_byte(newest_file(".log"), 2000);
  EXPECT_EQ(reopening(), ErrorCode::storage_corrupt) << "never a silent loss of what follows";
}

TEST_F(RocksDbFaults, ADamagedTableBlockFailsTheReadsThatNeedIt) {
  // So few tables that no compaction runs into the damage first.
  constexpr int count = 60;
  options_.memtable_bytes_max = 4 * (128 << 10);
  open();
  for (int i = 0; i < count; ++i) EXPECT_EQ(commit(i, 4000), ErrorCode::ok);
  ASSERT_EQ(reopening(), ErrorCode::ok);  // which writes what is in the log to a table
  engine_.reset();
  const std::string table = newest_file(".sst");
  ASSERT_FALSE(table.empty());
  flip_byte(table, 30);  // in the first data block, compressed or not
  ASSERT_EQ(reopening(), ErrorCode::ok);
  int corrupt = 0;
  for (int i = 0; i < count; ++i) {
    const auto value = get(i);
    if (!value) {
      EXPECT_EQ(value.error().code, ErrorCode::storage_corrupt);
      ++corrupt;
    } else {
      EXPECT_EQ(*value, Bytes(4000, 'v'));
    }
  }
  EXPECT_GT(corrupt, 0);
  EXPECT_LT(corrupt, count);
}

}  // namespace
}  // namespace grey::storage
