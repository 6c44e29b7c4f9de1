// Thousands of seeds: every history linearizable, every cluster alive again after its faults.
#include "sim/simulation.h"

#include <gtest/gtest.h>

#include <ostream>

namespace grey::sim {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t seeds_per_block = 10;
#else
constexpr std::uint64_t seeds_per_block = 250;
#endif

struct Block {
  const char* profile;
  std::uint64_t number;
};

void PrintTo(const Block& block, std::ostream* out) { *out << block.profile << block.number; }

class Seeds : public testing::TestWithParam<Block> {};

TEST_P(Seeds, EveryHistoryIsLinearizable) {
  for (std::uint64_t i = 0; i < seeds_per_block; ++i) {
    const RunOptions options{.seed = 1 + GetParam().number * seeds_per_block + i,
                             .profile = GetParam().profile,
                             .bugs = {}};
    const auto run = run_simulation(options);
    ASSERT_TRUE(run.has_value());
    ASSERT_EQ(run->violation, "") << "replay: grey-sim --seed " << options.seed << " --profile "
                                  << options.profile;
  }
}

std::vector<Block> blocks() {
  std::vector<Block> out;
  for (std::uint64_t i = 0; i < 4; ++i) {
    out.push_back({"hostile", i});
    out.push_back({"contention", i});
  }
  out.push_back({"calm", 0});
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, Seeds, testing::ValuesIn(blocks()), [](const auto& instance) {
  return std::string(instance.param.profile) + std::to_string(instance.param.number);
});

TEST(Simulation, TheSameSeedIsTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const RunOptions options{.seed = seed, .profile = "hostile", .bugs = {}};
    const auto first = run_simulation(options);
    const auto second = run_simulation(options);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->event_hash, second->event_hash);
    EXPECT_EQ(first->events, second->events);
  }
}

TEST(Simulation, EveryFaultFires) {
  NemesisCounters nemesis;
  MessageCounters messages;
  std::uint64_t lost_batches = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto run = run_simulation({.seed = seed, .profile = "hostile", .bugs = {}});
    ASSERT_TRUE(run.has_value());
    nemesis.crashes += run->nemesis.crashes;
    nemesis.sync_point_crashes += run->nemesis.sync_point_crashes;
    nemesis.pauses += run->nemesis.pauses;
    nemesis.partitions += run->nemesis.partitions;
    nemesis.one_way_partitions += run->nemesis.one_way_partitions;
    messages.lost += run->messages.lost;
    messages.duplicated += run->messages.duplicated;
    messages.slow += run->messages.slow;
    lost_batches += run->lost_batches;
  }
  EXPECT_GT(nemesis.crashes, 0u);
  EXPECT_GT(nemesis.sync_point_crashes, 0u);
  EXPECT_GT(nemesis.pauses, 0u);
  EXPECT_GT(nemesis.partitions, 0u);
  EXPECT_GT(nemesis.one_way_partitions, 0u);
  EXPECT_GT(messages.lost, 0u);
  EXPECT_GT(messages.duplicated, 0u);
  EXPECT_GT(messages.slow, 0u);
  EXPECT_GT(lost_batches, 0u);
}

TEST(Simulation, AnUnknownProfileIsRefused) {
  EXPECT_EQ(run_simulation({.seed = 1, .profile = "kind", .bugs = {}}).error().code,
            ErrorCode::usage);
}

}  // namespace
}  // namespace grey::sim
