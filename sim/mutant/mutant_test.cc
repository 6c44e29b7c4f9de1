// The simulator finds what it is there to find: each planted bug is caught within 500 seeds of a
// contention profile that knows nothing of it. (Without that, green seeds would prove little.)
#include <gtest/gtest.h>

#include "cluster/register/planted_bug.h"
#include "sim/linearizability.h"
#include "sim/simulation.h"

namespace grey::sim {
namespace {

using cluster::PlantedBug;

class Planted : public testing::TestWithParam<PlantedBug> {};

TEST_P(Planted, IsCaughtWithin500Seeds) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    const auto run =
        run_simulation({.seed = seed,
                        .profile = "contention",
                        .checker = {.steps_max = 200'000, .configurations_max = 20'000},
                        .bugs = cluster::PlantedBugs(GetParam())});
    ASSERT_TRUE(run.has_value());
    // A broken register's history may be beyond the checker: that is no find, and not worth a
    // minute.
    if (run->violation.empty() || run->violation == undecided) continue;
    RecordProperty("seeds", std::to_string(seed));
    return;
  }
  FAIL() << "500 seeds did not notice";
}

INSTANTIATE_TEST_SUITE_P(All, Planted,
                         testing::Values(PlantedBug::read_without_identity_round,
                                         PlantedBug::accept_ignores_promise,
                                         PlantedBug::promise_not_persisted,
                                         PlantedBug::in_doubt_by_last_attempt));

TEST(PlantedBugs, WithoutABugTheMutantBuildIsSound) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto run =
        run_simulation({.seed = seed, .profile = "contention", .bugs = cluster::PlantedBugs()});
    ASSERT_TRUE(run.has_value());
    EXPECT_EQ(run->violation, "");
  }
}

}  // namespace
}  // namespace grey::sim
