#include "cluster/ring/ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/random.h"

namespace grey::cluster {
namespace {

Topology topology_of(std::uint32_t node_count) {
  Topology topology;
  topology.cluster_id = "test";
  for (NodeId id = 1; id <= node_count; ++id) {
    topology.nodes.push_back({id, "10.0.0." + std::to_string(id) + ":4000", "", ""});
  }
  return topology;
}

/// Each node in one of `zones` zones and `racks` racks per zone, at random.
Topology random_places(Random& random, std::uint32_t node_count) {
  Topology topology = topology_of(node_count);
  const std::uint64_t zones = random.between(1, 4);
  const std::uint64_t racks = random.between(1, 3);
  for (TopologyNode& node : topology.nodes) {
    node.zone = "z" + std::to_string(random.below(zones));
    node.rack = "r" + std::to_string(random.below(racks));
  }
  topology.virtual_nodes = 32;
  return topology;
}

Ring ring_of(Topology topology) { return Ring::make(std::move(topology)).value(); }

std::map<NodeId, double> primary_shares(const Ring& ring) {
  std::map<NodeId, double> shares;
  for (RangeId range = 0; range < ring.range_count(); ++range) {
    shares[ring.replicas_of(range)[0]] += ring.arc_of(range).share();
  }
  return shares;
}

TEST(Ring, TokensBelongToTheArcThatContainsThem) {
  const Ring ring = ring_of(topology_of(5));
  ASSERT_EQ(ring.range_count(), 5u * 256);
  Random random(1);
  for (int i = 0; i < 10'000; ++i) {
    const Token token = random.next();
    ASSERT_TRUE(ring.arc_of(ring.range_of(token)).contains(token));
  }
  double whole = 0;
  for (RangeId range = 0; range < ring.range_count(); ++range) {
    const Arc arc = ring.arc_of(range);
    EXPECT_EQ(ring.range_of(arc.end), range) << "the end belongs to the arc";
    EXPECT_NE(ring.range_of(arc.start), range) << "the start does not";
    EXPECT_EQ(ring.range_of(arc.start + 1), range);
    EXPECT_FALSE(arc.contains(arc.start));
    EXPECT_EQ(ring.range_ending_at(arc.end), range);
    EXPECT_EQ(ring.end_of(range), arc.end);
    whole += arc.share();
  }
  EXPECT_NEAR(whole, 1.0, 1e-9);
  EXPECT_EQ(ring.range_of(0), 0u);
  EXPECT_EQ(ring.range_of(~Token{0}), 0u) << "the first arc closes the circle";
  EXPECT_EQ(ring.range_ending_at(ring.end_of(7) + 1), std::nullopt);
}

TEST(Ring, OnePointIsTheWholeRing) {
  Topology topology = topology_of(1);
  topology.virtual_nodes = 1;
  const Ring ring = ring_of(topology);
  ASSERT_EQ(ring.range_count(), 1u);
  EXPECT_EQ(ring.arc_of(0).share(), 1.0);
  for (const Token token : {Token{0}, ring.end_of(0), ring.end_of(0) + 1, ~Token{0}}) {
    EXPECT_EQ(ring.range_of(token), 0u);
    EXPECT_TRUE(ring.arc_of(0).contains(token));
  }
  EXPECT_EQ(ring.replicas_of(0).size(), 1u);
}

TEST(Ring, ThreeNodesHoldEveryRangeInTheOrderOfTheirPoints) {
  Topology topology = topology_of(3);
  topology.nodes[0].zone = topology.nodes[1].zone = "a";  // must not disturb the order
  const Ring ring = ring_of(topology);
  const auto count = static_cast<RangeId>(ring.range_count());
  for (RangeId range = 0; range < count; ++range) {
    std::vector<NodeId> in_order;
    for (RangeId at = range; in_order.size() < 3; at = (at + 1) % count) {
      const NodeId owner = ring.replicas_of(at)[0];
      if (std::ranges::find(in_order, owner) == in_order.end()) in_order.push_back(owner);
    }
    ASSERT_TRUE(std::ranges::equal(ring.replicas_of(range), in_order));
  }
  for (const NodeId node : {1u, 2u, 3u}) EXPECT_EQ(ring.ranges_held_by(node).size(), count);
}

TEST(Ring, SharesAreEven) {
  const Ring ring = ring_of(topology_of(10));
  double largest = 0;
  double smallest = 1;
  for (const auto& [node, share] : primary_shares(ring)) {
    largest = std::max(largest, share * 10);
    smallest = std::min(smallest, share * 10);
  }
  RecordProperty("max_to_mean", std::to_string(largest));
  RecordProperty("min_to_mean", std::to_string(smallest));
  EXPECT_LT(largest, 1.20);
  EXPECT_GT(smallest, 0.80);
}

TEST(Ring, SharesStayEvenForManyTopologies) {
  // With v points a node, a share's standard deviation is about 1/sqrt(v) of the mean: 6.25 %.
  Random random(2);
  for (int round = 0; round < 20; ++round) {
    Topology topology = topology_of(12);
    for (TopologyNode& node : topology.nodes)
      node.id = 1 + static_cast<NodeId>(random.next() >> 33);
    for (const auto& [node, share] : primary_shares(ring_of(topology))) {
      EXPECT_GT(share * 12, 0.70) << node;
      EXPECT_LT(share * 12, 1.35) << node;
    }
  }
}

TEST(Ring, ANewNodeTakesItsShareAndMovesNothingElse) {
  const Ring before = ring_of(topology_of(10));
  const Ring after = ring_of(topology_of(11));
  double moved_primary = 0;
  double moved_replica = 0;
  for (RangeId range = 0; range < after.range_count(); ++range) {
    const Arc arc = after.arc_of(range);
    // Every arc of the larger ring lies inside one of the smaller.
    const RangeId old = before.range_of(arc.end);
    ASSERT_TRUE(arc.start == before.arc_of(old).start || before.arc_of(old).contains(arc.start));
    const auto now = after.replicas_of(range);
    if (now[0] != before.replicas_of(old)[0]) {
      ASSERT_EQ(now[0], 11u) << "a primary may only move to the new node";
      moved_primary += arc.share();
    }
    for (const NodeId node : now) {
      if (before.is_replica(old, node)) continue;
      ASSERT_EQ(node, 11u) << "without racks, a replica may only move to the new node";
      moved_replica += arc.share();
    }
  }
  RecordProperty("moved_primary", std::to_string(moved_primary));
  RecordProperty("moved_replica", std::to_string(moved_replica / 3));
  EXPECT_NEAR(moved_primary, 1.0 / 11, 0.02);
  EXPECT_NEAR(moved_replica / 3, 1.0 / 11, 0.02);
}

TEST(Ring, OrderOfListingDoesNotMatter) {
  Random random(3);
  for (int round = 0; round < 20; ++round) {
    Topology topology = random_places(random, 9);
    const Ring first = ring_of(topology);
    for (std::size_t i = topology.nodes.size(); i > 1; --i) {
      std::swap(topology.nodes[i - 1], topology.nodes[random.below(i)]);
    }
    const Ring second = ring_of(topology);
    ASSERT_EQ(first.topology_hash(), second.topology_hash());
    ASSERT_EQ(first.range_count(), second.range_count());
    for (RangeId range = 0; range < first.range_count(); ++range) {
      ASSERT_EQ(first.end_of(range), second.end_of(range));
      ASSERT_TRUE(std::ranges::equal(first.replicas_of(range), second.replicas_of(range)));
    }
  }
}

/// The number of zones and racks (in their zones) that these nodes stand in.
std::pair<std::size_t, std::size_t> spread(const Topology& topology,
                                           std::span<const NodeId> nodes) {
  std::set<std::string> zones;
  std::set<std::pair<std::string, std::string>> racks;
  for (const NodeId id : nodes) {
    zones.insert(topology.find(id)->zone);
    racks.insert({topology.find(id)->zone, topology.find(id)->rack});
  }
  return {zones.size(), racks.size()};
}

TEST(Ring, ReplicasAreDistinctAndSpreadAsWidelyAsTheTopologyAllows) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    Topology topology = random_places(random, static_cast<std::uint32_t>(random.between(1, 12)));
    topology.replication_factor = static_cast<std::uint32_t>(random.between(1, 5));
    const Ring ring = ring_of(topology);
    std::vector<NodeId> all;
    for (const TopologyNode& node : topology.nodes) all.push_back(node.id);
    const auto [zones, racks] = spread(topology, all);
    const std::size_t wanted = std::min<std::size_t>(topology.replication_factor, all.size());
    for (RangeId range = 0; range < ring.range_count(); ++range) {
      const auto replicas = ring.replicas_of(range);
      ASSERT_EQ(std::set<NodeId>(replicas.begin(), replicas.end()).size(), wanted);
      const auto [held_zones, held_racks] = spread(topology, replicas);
      ASSERT_EQ(held_zones, std::min(zones, wanted));
      ASSERT_EQ(held_racks, std::min(racks, wanted));
    }
  }
}

TEST(Ring, EqualRackNamesInTwoZonesAreTwoRacks) {
  Topology topology = topology_of(4);
  for (TopologyNode& node : topology.nodes) {
    node.zone = node.id <= 2 ? "east" : "west";
    node.rack = node.id % 2 == 0 ? "r0" : "r1";
  }
  const Ring ring = ring_of(topology);
  for (RangeId range = 0; range < ring.range_count(); ++range) {
    EXPECT_EQ(spread(topology, ring.replicas_of(range)),
              (std::pair<std::size_t, std::size_t>{2, 3}));
  }
}

TEST(Ring, RefusesABadTopology) {
  EXPECT_EQ(Ring::make(Topology{}).error().code, ErrorCode::config_bad_value);
}

// Placement is part of the disk format: these values never change.
TEST(Ring, GoldenPlacement) {
  const Ring ring = ring_of(topology_of(4));
  EXPECT_EQ(ring.end_of(0), 34181378880438678u);
  EXPECT_EQ(ring.end_of(1023), 18446281488921783801u);
  const RangeId range = ring.range_of(token_of("tenant", "key"));
  EXPECT_EQ(range, 291u);
  EXPECT_TRUE(std::ranges::equal(ring.replicas_of(range), std::vector<NodeId>{1, 4, 2}));
}

}  // namespace
}  // namespace grey::cluster
