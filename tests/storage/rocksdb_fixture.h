// A RocksDbEngine on a faulty file system in a directory of its own, for tests.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/testing/temporary_directory.h"
#include "storage/testing/test_executor.h"
#include "tests/storage/faulty_file_system.h"

namespace grey::storage {

class RocksDbFixture : public testing::Test {
 protected:
  RocksDbFixture() {
    options_.file_system = disk_;
    options_.on_background_error = [this](const Error& error) {
      background_errors_.push_back(error);
    };
  }
  void SetUp() override {
    ASSERT_TRUE(RocksDbEngine::create(path_));
    open();
  }
  void open() {
    engine_.reset();
    auto engine = RocksDbEngine::open(path_, options_, executor_);
    ASSERT_TRUE(engine) << engine.error().message();
    engine_ = *std::move(engine);
  }
  /// Closes the engine and tries to open the database again.
  ErrorCode reopening() {
    engine_.reset();
    auto engine = RocksDbEngine::open(path_, options_, executor_);
    if (!engine) return engine.error().code;
    engine_ = *std::move(engine);
    return ErrorCode::ok;
  }
  /// Starts a commit of key "n<number>"; its outcome is appended to outcomes_.
  void start_commit(int number, std::size_t size = 10) {
    WriteBatch batch;
    batch.put("n" + std::to_string(number), Bytes(size, 'v'));
    engine_->commit(std::move(batch), Durability::sync, [this](Status status) {
      outcomes_.push_back(status ? ErrorCode::ok : status.error().code);
    });
  }
  void await_outcomes(std::size_t count) {
    executor_.run_until([&] { return outcomes_.size() >= count; });
  }
  ErrorCode commit(int number, std::size_t size = 10) {
    const std::size_t before = outcomes_.size();
    start_commit(number, size);
    await_outcomes(before + 1);
    return outcomes_.back();
  }
  Result<std::optional<Bytes>> get(int number) {
    std::optional<Result<std::optional<Bytes>>> result;
    engine_->get("n" + std::to_string(number), nullptr, [&](auto r) { result = std::move(r); });
    executor_.run_until([&] { return result.has_value(); });
    return *std::move(result);
  }
  bool holds(int number) {
    const auto value = get(number);
    EXPECT_TRUE(value) << value.error().message();
    return value && value->has_value();
  }
  /// The newest file of the database whose name ends so.
  std::string newest_file(std::string_view suffix) const {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      const std::string name = entry.path().string();
      if (name.ends_with(suffix)) newest = std::max(newest, name);
    }
    return newest;
  }

  TestExecutor executor_;
  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "db";
  const std::shared_ptr<FaultyFileSystem> disk_ = std::make_shared<FaultyFileSystem>();
  RocksDbOptions options_;
  std::unique_ptr<RocksDbEngine> engine_;
  std::vector<ErrorCode> outcomes_;
  std::vector<Error> background_errors_;
};

}  // namespace grey::storage
