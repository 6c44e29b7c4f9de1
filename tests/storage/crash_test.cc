// Real processes, really killed: whatever moment SIGKILL comes at, every acknowledged commit is
// there afterwards, and every commit is there whole or not at all.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/random.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/testing/temporary_directory.h"
#include "storage/testing/test_executor.h"
#include "tests/storage/crash_batch.h"

namespace grey::storage {
namespace {

struct Child {
  pid_t process = -1;
  int acknowledgements = -1;  // the reading end of a pipe
};

Child start(const std::string& database, std::uint32_t first) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const std::string number = std::to_string(first);
  const pid_t process = ::fork();
  if (process == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl(GREY_CRASH_CHILD, GREY_CRASH_CHILD, database.c_str(), number.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  return {process, ends[0]};
}

// Reads acknowledgements until `count` have come, or to the end of the pipe. Returns them all.
void read_acknowledged(int pipe, std::size_t count, std::set<std::uint32_t>& into) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (::read(pipe, &number, sizeof number) != sizeof number) return;
    into.insert(number);
  }
}

void nap(std::uint64_t microseconds) {
  const timespec time{0, static_cast<long>(microseconds * 1000)};
  ::nanosleep(&time, nullptr);
}

// The numbers whose batches are in the database; fails if one is there in part.
std::set<std::uint32_t> recovered(const std::string& database) {
  TestExecutor executor;
  auto engine = RocksDbEngine::open(database, {}, executor);
  if (!engine) {
    ADD_FAILURE() << engine.error().message();
    return {};
  }
  std::set<std::uint32_t> numbers;
  std::optional<Result<ScanPage>> page;
  (*engine)->scan("", "", 1u << 30, 1u << 30, nullptr, [&](auto r) { page = std::move(r); });
  executor.run_until([&] { return page.has_value(); });
  EXPECT_TRUE(*page);
  const auto& entries = (*page)->entries;
  EXPECT_EQ(entries.size() % crash_parts, 0u) << "a batch is there in part";
  for (std::size_t i = 0; i + crash_parts <= entries.size(); i += crash_parts) {
    const auto number = static_cast<std::uint32_t>(std::stoul(entries[i].key.substr(1, 10)));
    for (int part = 0; part < crash_parts; ++part) {
      const auto& entry = entries[i + static_cast<std::size_t>(part)];
      EXPECT_EQ(entry.key, crash_key(number, part));
      EXPECT_TRUE(entry.value == crash_value(number, part));
    }
    numbers.insert(number);
  }
  return numbers;
}

TEST(Crash, SigkillLosesNothingAcknowledgedAndTearsNoBatch) {
  constexpr int rounds = 25;
  Random random(20);
  TemporaryDirectory directory;
  const std::string database = directory / "db";
  ASSERT_TRUE(RocksDbEngine::create(database));
  std::set<std::uint32_t> acknowledged;
  std::uint32_t next = 1;
  std::size_t survivors_unacknowledged = 0;
  for (int round = 0; round < rounds; ++round) {
    const Child child = start(database, next);
    read_acknowledged(child.acknowledgements, random.between(1, 400), acknowledged);
    nap(random.below(3000));
    ASSERT_EQ(::kill(child.process, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child.process, &status, 0), child.process);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself, status " << status;
    read_acknowledged(child.acknowledgements, SIZE_MAX, acknowledged);
    ::close(child.acknowledgements);

    const auto found = recovered(database);
    ASSERT_TRUE(std::ranges::includes(found, acknowledged)) << "round " << round;
    ASSERT_FALSE(found.empty());
    next = *found.rbegin() + 1;
    survivors_unacknowledged = found.size() - acknowledged.size();
  }
  RecordProperty("acknowledged", static_cast<int>(acknowledged.size()));
  std::printf("%d kills, %zu commits acknowledged, %zu more found\n", rounds, acknowledged.size(),
              survivors_unacknowledged);
}

}  // namespace
}  // namespace grey::storage
