// One of three nodes is killed, frozen or restarted while clients write: they must not notice.
#include <gmock/gmock.h>
#include <grey/error.h>

#include "sim/linearizability.h"
#include "tests/cluster/history_clients.h"
#include "tests/cluster/scene.h"

namespace grey::cluster_test {
namespace {

/// Puts of new keys go on all the time; each wait asks that many more be acknowledged.
constexpr std::uint64_t some = 300;
constexpr Duration patience = seconds(60);

class Faults : public testing::TestWithParam<std::uint32_t> {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(scene_.start_all());
    load_.start();
    ASSERT_TRUE(load_.wait_for_more(some, patience));
  }

  /// The load ends: nothing failed, nothing is unknown, nothing is lost, the cluster is whole.
  void expect_unharmed() {
    ASSERT_TRUE(load_.wait_for_more(some, patience));
    load_.stop();
    EXPECT_THAT(load_.failures(), testing::IsEmpty());
    EXPECT_EQ(load_.failed(), 0u);
    EXPECT_EQ(load_.unknown(), 0u);  // each key is written once
    EXPECT_THAT(load_.verify(), testing::IsEmpty());
    EXPECT_TRUE(scene_.wait_until_whole());
    EXPECT_THAT(scene_.cluster.reap(), testing::IsEmpty());
  }

  const std::uint32_t victim_ = GetParam();
  Scene scene_;
  SyncClient client_{scene_.client_options()};
  load::PutLoad load_{client_, scene_.load_options("faults/")};
};
INSTANTIATE_TEST_SUITE_P(Node, Faults, testing::Values(1, 2, 3),
                         [](const auto& param) { return "n" + std::to_string(param.param); });

TEST_P(Faults, KilledAndRestarted) {
  ASSERT_TRUE(succeeded(scene_.cluster.kill(victim_)));
  ASSERT_TRUE(load_.wait_for_more(some, patience));
  ASSERT_TRUE(succeeded(scene_.cluster.start(victim_)));
  ASSERT_TRUE(scene_.wait_until_whole());
  expect_unharmed();
}

TEST_P(Faults, FrozenForTenSeconds) {
  ASSERT_TRUE(succeeded(scene_.cluster.freeze(victim_)));
  std::this_thread::sleep_for(seconds(10));
  EXPECT_TRUE(load_.wait_for_more(some, patience));
  ASSERT_TRUE(succeeded(scene_.cluster.thaw(victim_)));
  expect_unharmed();
}

TEST_P(Faults, DrainedAndRestarted) {
  ASSERT_TRUE(succeeded(scene_.cluster.terminate(victim_)));
  ASSERT_TRUE(load_.wait_for_more(some, patience));
  ASSERT_TRUE(succeeded(scene_.cluster.start(victim_)));
  ASSERT_TRUE(scene_.wait_until_whole());
  expect_unharmed();
}

/// Contended keys under one fault after the other: some outcomes may stay unknown, but whatever was
/// answered must fit one order of all operations.
TEST(ContendedFaults, EveryHistoryIsLinearizable) {
  Scene scene;
  ASSERT_NO_FATAL_FAILURE(scene.start_all());
  HistoryClients clients(scene, 5, 4, 1);
  const auto go_on = [&] {
    const std::uint64_t before = clients.operations();
    EXPECT_TRUE(eventually([&] { return clients.operations() > before + some; }, patience));
  };
  go_on();
  for (const auto& node : scene.cluster.nodes()) {
    ASSERT_TRUE(succeeded(scene.cluster.kill(node.id)));
    go_on();
    ASSERT_TRUE(succeeded(scene.cluster.start(node.id)));
    ASSERT_TRUE(scene.wait_until_whole());
    go_on();
    ASSERT_TRUE(succeeded(scene.cluster.freeze(node.id)));
    std::this_thread::sleep_for(seconds(2));
    go_on();
    ASSERT_TRUE(succeeded(scene.cluster.thaw(node.id)));
    ASSERT_TRUE(scene.wait_until_whole());
  }
  clients.stop();
  EXPECT_EQ(sim::check_linearizability(clients.history()), "");
  EXPECT_EQ(clients.refused(), 0u);
  RecordProperty("operations", std::to_string(clients.operations()));
  RecordProperty("unknown", std::to_string(clients.unknown()));
}

}  // namespace
}  // namespace grey::cluster_test
