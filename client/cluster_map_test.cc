#include "client/cluster_map.h"

#include <gtest/gtest.h>

#include "client/window_book.h"

namespace grey::client {
namespace {

using namespace std::chrono_literals;

protocol::ClusterInfo four_nodes() {
  protocol::ClusterInfo info;
  info.epoch = 1;
  info.cluster_id = "test";
  info.replication_factor = 3;
  info.virtual_nodes = 16;
  for (NodeId id = 1; id <= 4; ++id) {
    info.nodes.push_back({id, "127.0.0.1:" + std::to_string(7000 + id), "", ""});
  }
  return info;
}

class ClusterMapTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(map.adopt(four_nodes()).has_value());
    for (NodeId id = 1; id <= 4; ++id) map.set_up(id, true);
    range = map.range_of("tenant", "key");
    const auto ring = cluster::Ring::make(map.topology());
    replicas.assign(ring->replicas_of(range).begin(), ring->replicas_of(range).end());
  }
  std::vector<NodeId> candidates() {
    std::vector<NodeId> out;
    map.candidates(range, now, out);
    return out;
  }
  ClusterMap map;
  MonotonicTime now{1h};
  cluster::RangeId range = 0;
  std::vector<NodeId> replicas;
};

TEST_F(ClusterMapTest, ReplicasComeFirstInRingOrder) {
  const auto out = candidates();
  ASSERT_EQ(out.size(), 4u);
  EXPECT_TRUE(std::equal(replicas.begin(), replicas.end(), out.begin()));
}

TEST_F(ClusterMapTest, NodesThatAreDownAreLeftOut) {
  map.set_up(replicas[0], false);
  const auto out = candidates();
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0], replicas[1]);
}

TEST_F(ClusterMapTest, ASuspectReplicaIsAskedAfterTheOthersForAWhile) {
  map.set_suspect(replicas[0], now + 1s);
  EXPECT_EQ(candidates()[0], replicas[1]);
  EXPECT_EQ(candidates()[2], replicas[0]);
  now += 1s;
  EXPECT_EQ(candidates()[0], replicas[0]);
}

TEST_F(ClusterMapTest, AnInvalidTopologyChangesNothing) {
  auto info = four_nodes();
  info.nodes[1].id = 1;
  EXPECT_FALSE(map.adopt(info).has_value());
  EXPECT_EQ(candidates().size(), 4u);
}

TEST_F(ClusterMapTest, ANewTopologyKeepsWhatIsKnownOfItsNodes) {
  auto info = four_nodes();
  info.epoch = 2;
  info.nodes.pop_back();
  ASSERT_TRUE(map.adopt(info).has_value());
  EXPECT_EQ(candidates().size(), 3u);
}

TEST(WindowBook, StartsFromNothing) {
  WindowBook book;
  book.reset(3, 10);
  EXPECT_EQ(book.window(5), (protocol::WireWindow{3, {}, 64}));
}

TEST(WindowBook, FollowsTheHomeUpwards) {
  WindowBook book;
  book.reset(1, 10);
  book.note_hint(5, {7, protocol::WireBallot{1, 7, 2, 1, 40}});
  EXPECT_EQ(book.window(5).low, (protocol::WireBallot{1, 7, 2, 1, 40}));
  EXPECT_EQ(book.window(5).round_high, 71u);
  book.note_hint(5, {6, protocol::WireBallot{1, 6, 1, 1, 1}});
  EXPECT_EQ(book.window(5).low.round, 7u) << "a late answer takes nothing back";
  EXPECT_EQ(book.window(4).low, protocol::WireBallot{});
  EXPECT_EQ(book.window(4).round_high, 71u) << "rounds are the cluster's";
}

TEST(WindowBook, IgnoresBallotsOfAnotherEpoch) {
  WindowBook book;
  book.reset(2, 10);
  book.note_hint(5, {7, protocol::WireBallot{3, 9, 2, 1, 40}});
  EXPECT_EQ(book.window(5).low, protocol::WireBallot{});
}

TEST(WindowBook, StaysBelowTheEndOfRounds) {
  WindowBook book;
  book.reset(1, 1);
  book.note_round(~0ull);
  EXPECT_LT(book.window(0).round_high, protocol::limit::round_end);
}

}  // namespace
}  // namespace grey::client
