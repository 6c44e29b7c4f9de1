// The process that the crash test kills: commits numbered batches with sync for as long as it lives
// and writes each number to standard output once its commit is acknowledged.
//
// Usage: storage_crash_child <database> <first number>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/testing/test_executor.h"
#include "tests/storage/crash_batch.h"

using namespace grey;
using namespace grey::storage;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  TestExecutor executor;
  // Small, so that kills also fall into flushes and compactions.
  RocksDbOptions options;
  options.memtable_bytes_max = 4 * (64 << 10);
  auto engine = RocksDbEngine::open(argv[1], options, executor);
  if (!engine) {
    std::fprintf(stderr, "%s\n", engine.error().message().c_str());
    return 1;
  }
  std::uint32_t next = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
  constexpr int outstanding = 20;
  std::function<void()> commit_next = [&] {
    const std::uint32_t number = next++;
    (*engine)->commit(crash_batch(number), Durability::sync, [&, number](Status status) {
      if (!status) {
        std::fprintf(stderr, "%s\n", status.error().message().c_str());
        std::_Exit(1);
      }
      if (::write(STDOUT_FILENO, &number, sizeof number) != sizeof number) std::_Exit(1);
      commit_next();
    });
  };
  for (int i = 0; i < outstanding; ++i) commit_next();
  executor.run_until([] { return false; });
}
