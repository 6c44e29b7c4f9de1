#include "storage/memory/memory_engine.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/testing/temporary_directory.h"
#include "tests/storage/engine_conformance.h"

namespace grey::storage {
namespace {

class MemoryHarness final : public EngineHarness {
 public:
  explicit MemoryHarness(MemoryDiskOptions options) : disk_(Random(1), options) { reopen(); }
  ~MemoryHarness() override { close(); }

 private:
  std::unique_ptr<Engine> open() override {
    return std::make_unique<MemoryEngine>(disk_, executor());
  }
  MemoryDisk disk_;
};

class RocksDbHarness final : public EngineHarness {
 public:
  explicit RocksDbHarness(RocksDbOptions options) : options_(std::move(options)) {
    EXPECT_TRUE(RocksDbEngine::create(directory_ / "data", options_));
    reopen();
  }
  ~RocksDbHarness() override { close(); }

 private:
  std::unique_ptr<Engine> open() override {
    auto engine = RocksDbEngine::open(directory_ / "data", options_, executor());
    if (!engine) {
      ADD_FAILURE() << engine.error().message();
      std::abort();
    }
    return *std::move(engine);
  }
  TemporaryDirectory directory_;
  RocksDbOptions options_;
};

// Every limit small, so that flushes, compactions and bundles of every size happen.
RocksDbOptions cramped() {
  return {.block_cache_bytes = 64 << 10,
          .memtable_bytes_max = 256 << 10,
          .group_bytes_max = 2000,
          .wal_bytes_max = 128 << 10,
          .reader_threads = 1};
}

MemoryDiskOptions unhurried() {
  using std::chrono::microseconds;
  return {.sync_latency_min = microseconds(50),
          .sync_latency_max = microseconds(900),
          .read_latency_max = microseconds(300),
          .early_visibility_chance = 0.5};
}

INSTANTIATE_TEST_SUITE_P(
    Engines, EngineConformance,
    testing::Values(
        EngineKind{"memory", [] { return std::make_unique<MemoryHarness>(MemoryDiskOptions{}); }},
        EngineKind{"memory_slow", [] { return std::make_unique<MemoryHarness>(unhurried()); }},
        EngineKind{"rocksdb", [] { return std::make_unique<RocksDbHarness>(RocksDbOptions{}); }},
        EngineKind{"rocksdb_cramped", [] { return std::make_unique<RocksDbHarness>(cramped()); }}),
    [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace grey::storage
