// Seeds of the whole stack: every history linearizable, every cluster alive again after its faults,
// and no operation fails while one node is away.
#include "sim/full_stack/run.h"

#include <gtest/gtest.h>

#include <ostream>

namespace grey::sim::full_stack {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t scale = 20;
#else
constexpr std::uint64_t scale = 1;
#endif

struct Block {
  std::string profile;
  std::uint64_t number;
  std::uint64_t seeds;
};

void PrintTo(const Block& block, std::ostream* out) { *out << block.profile << block.number; }

class FullStackSeeds : public testing::TestWithParam<Block> {};

TEST_P(FullStackSeeds, EveryPromiseHolds) {
  const std::uint64_t seeds = std::max<std::uint64_t>(1, GetParam().seeds / scale);
  for (std::uint64_t i = 0; i < seeds; ++i) {
    const FullRunOptions options{.seed = 1 + GetParam().number * GetParam().seeds + i,
                                 .profile = GetParam().profile};
    const auto run = run_full_stack(options);
    ASSERT_TRUE(run.has_value());
    ASSERT_EQ(run->violation, "") << "replay: grey-sim --stack full --seed " << options.seed
                                  << " --profile " << options.profile;
  }
}

std::vector<Block> blocks() {
  std::vector<Block> out;
  for (std::uint64_t i = 0; i < 4; ++i) {
    out.push_back({"hostile", i, 100});
    out.push_back({"contention", i, 100});
  }
  out.push_back({"calm", 0, 60});
  for (const char* fault : {"kill", "vanish", "freeze", "drain", "cut"}) {
    out.push_back({std::string("failover-") + fault, 0, 4});
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, FullStackSeeds, testing::ValuesIn(blocks()),
                         [](const auto& instance) {
                           std::string name =
                               instance.param.profile + std::to_string(instance.param.number);
                           std::erase(name, '-');
                           return name;
                         });

TEST(FullStack, TheSameSeedIsTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const FullRunOptions options{.seed = seed, .profile = "hostile"};
    const auto first = run_full_stack(options);
    const auto second = run_full_stack(options);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->event_hash, second->event_hash);
    EXPECT_EQ(first->events, second->events);
  }
}

TEST(FullStack, EveryFaultFires) {
  NemesisCounters nemesis;
  transport::sim::FaultCounters network;
  std::uint64_t lost_batches = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto run = run_full_stack({.seed = seed, .profile = "hostile"});
    ASSERT_TRUE(run.has_value());
    nemesis.kills += run->nemesis.kills;
    nemesis.machine_losses += run->nemesis.machine_losses;
    nemesis.sync_point_kills += run->nemesis.sync_point_kills;
    nemesis.pauses += run->nemesis.pauses;
    nemesis.drains += run->nemesis.drains;
    nemesis.partitions += run->nemesis.partitions;
    nemesis.one_way_partitions += run->nemesis.one_way_partitions;
    nemesis.resets += run->nemesis.resets;
    nemesis.clogs += run->nemesis.clogs;
    nemesis.slow_disks += run->nemesis.slow_disks;
    nemesis.sync_failures += run->nemesis.sync_failures;
    network.split_sends += run->network.split_sends;
    network.split_receives += run->network.split_receives;
    network.short_sends += run->network.short_sends;
    network.windows_full += run->network.windows_full;
    network.bit_flips += run->network.bit_flips;
    network.losses += run->network.losses;
    lost_batches += run->lost_batches;
  }
  EXPECT_GT(nemesis.kills, 0u);
  EXPECT_GT(nemesis.machine_losses, 0u);
  EXPECT_GT(nemesis.sync_point_kills, 0u);
  EXPECT_GT(nemesis.pauses, 0u);
  EXPECT_GT(nemesis.drains, 0u);
  EXPECT_GT(nemesis.partitions, 0u);
  EXPECT_GT(nemesis.one_way_partitions, 0u);
  EXPECT_GT(nemesis.resets, 0u);
  EXPECT_GT(nemesis.clogs, 0u);
  EXPECT_GT(nemesis.slow_disks, 0u);
  EXPECT_GT(nemesis.sync_failures, 0u);
  EXPECT_GT(network.split_sends, 0u);
  EXPECT_GT(network.split_receives, 0u);
  EXPECT_GT(network.short_sends, 0u);
  EXPECT_GT(network.windows_full, 0u);
  EXPECT_GT(network.bit_flips, 0u);
  EXPECT_GT(network.losses, 0u);
  EXPECT_GT(lost_batches, 0u);
}

TEST(FullStack, AnotherSeedIsAnotherRun) {
  const auto first = run_full_stack({.seed = 1, .profile = "calm"});
  const auto second = run_full_stack({.seed = 2, .profile = "calm"});
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->event_hash, second->event_hash);
}

TEST(FullStack, AnUnknownProfileIsRefused) {
  EXPECT_EQ(run_full_stack({.seed = 1, .profile = "kind"}).error().code, ErrorCode::usage);
}

}  // namespace
}  // namespace grey::sim::full_stack
