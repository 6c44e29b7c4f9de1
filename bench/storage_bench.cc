// Commits per second of the RocksDB engine by the number of commits that are outstanding: what
// group commit is worth on this disk.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <functional>

#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/testing/temporary_directory.h"
#include "storage/testing/test_executor.h"

namespace grey::storage {
namespace {

void synced_commits(benchmark::State& state) {
  TemporaryDirectory directory;
  TestExecutor executor;
  if (!RocksDbEngine::create(directory / "db")) std::abort();
  auto engine = RocksDbEngine::open(directory / "db", {}, executor);
  if (!engine) std::abort();
  const auto outstanding = static_cast<std::uint64_t>(state.range(0));
  const Bytes value(static_cast<std::size_t>(state.range(1)), 'v');
  std::uint64_t started = 0, finished = 0;
  const auto start = [&] {
    WriteBatch batch;
    batch.put("key" + std::to_string(started++ % 100'000), value);
    (*engine)->commit(std::move(batch), Durability::sync, [&](Status status) {
      if (!status) std::abort();
      ++finished;
    });
  };
  for (auto _ : state) {
    start();
    executor.run_until([&] { return started - finished < outstanding; });
  }
  executor.run_until([&] { return finished == started; });
  state.SetItemsProcessed(static_cast<std::int64_t>(finished));
}
BENCHMARK(synced_commits)
    ->ArgNames({"outstanding", "bytes"})
    ->ArgsProduct({{1, 16, 128}, {100, 4096}})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

void point_reads(benchmark::State& state) {
  TemporaryDirectory directory;
  TestExecutor executor;
  if (!RocksDbEngine::create(directory / "db")) std::abort();
  auto engine = RocksDbEngine::open(directory / "db", {}, executor);
  if (!engine) std::abort();
  constexpr int keys = 10'000;
  WriteBatch batch;
  for (int i = 0; i < keys; ++i) batch.put("key" + std::to_string(i), Bytes(100, 'v'));
  bool committed = false;
  (*engine)->commit(std::move(batch), Durability::sync, [&](Status) { committed = true; });
  executor.run_until([&] { return committed; });
  const auto outstanding = static_cast<std::uint64_t>(state.range(0));
  std::uint64_t started = 0, finished = 0;
  for (auto _ : state) {
    (*engine)->get("key" + std::to_string(started++ * 7919 % keys), nullptr,
                   [&](auto value) { finished += value->has_value(); });
    executor.run_until([&] { return started - finished < outstanding; });
  }
  executor.run_until([&] { return finished == started; });
  state.SetItemsProcessed(static_cast<std::int64_t>(finished));
}
BENCHMARK(point_reads)
    ->ArgName("outstanding")
    ->Arg(1)
    ->Arg(16)
    ->Arg(128)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace grey::storage
