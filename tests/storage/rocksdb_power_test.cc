// The power is cut: unlike with SIGKILL, what the kernel had not written is gone too. What was
// acknowledged as synced must not be.
#include <algorithm>
#include <array>
#include <set>

#include "tests/storage/crash_batch.h"
#include "tests/storage/rocksdb_fixture.h"

namespace grey::storage {
namespace {

class RocksDbPower : public RocksDbFixture {
 protected:
  RocksDbPower() { options_.memtable_bytes_max = 4 * (512 << 10); }

  void start(std::uint32_t number, Durability durability) {
    engine_->commit(crash_batch(number), durability, [this, number, durability](Status status) {
      ++completed_;
      if (status && durability == Durability::sync) {
        // A sync also covers every buffered commit before it.
        acknowledged_.insert(number);
        acknowledged_.insert(buffered_.begin(), buffered_.lower_bound(number));
      } else if (status) {
        buffered_.insert(number);
      }
    });
  }
  // The numbers of the batches that are there; fails if one is there in part.
  std::set<std::uint32_t> recovered() {
    std::optional<Result<ScanPage>> page;
    engine_->scan("", "", 1u << 30, 1u << 30, nullptr, [&](auto r) { page = std::move(r); });
    executor_.run_until([&] { return page.has_value(); });
    std::map<std::uint32_t, int> parts;
    for (const auto& entry : (*page)->entries) {
      ++parts[static_cast<std::uint32_t>(std::stoul(entry.key.substr(1, 10)))];
    }
    std::set<std::uint32_t> numbers;
    for (const auto& [number, count] : parts) {
      EXPECT_EQ(count, crash_parts) << "a batch is there in part";
      numbers.insert(number);
    }
    return numbers;
  }

  std::size_t completed_ = 0;
  std::set<std::uint32_t> acknowledged_;
  std::set<std::uint32_t> buffered_;
};

TEST_F(RocksDbPower, ACutLosesNothingThatWasSynced) {
  Random random(77);
  std::uint32_t next = 1;
  for (int round = 0; round < 12; ++round) {
    const std::uint32_t first = next;
    buffered_.clear();
    completed_ = 0;
    const double sync_chance = std::array{0.3, 0.03, 0.0}[static_cast<std::size_t>(round % 3)];
    const auto cut_at = random.between(1, 250);
    while (completed_ < cut_at) {
      start(next++, random.chance(sync_chance) ? Durability::sync : Durability::buffered);
      executor_.run_until([&] { return next - first - completed_ < 20; });
    }
    disk_->cut_power();
    executor_.run_until([&] { return completed_ == next - first; });
    engine_.reset();
    disk_->restore_power(random);
    ASSERT_EQ(reopening(), ErrorCode::ok) << "round " << round;
    const auto found = recovered();
    ASSERT_TRUE(std::ranges::includes(found, acknowledged_)) << "round " << round;
    next = std::max(next, found.empty() ? 0 : *found.rbegin() + 1);
  }
  EXPECT_GT(disk_->lost_bytes(), 0u) << "the cuts did lose something";
}

}  // namespace
}  // namespace grey::storage
