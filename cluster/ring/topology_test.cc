#include "cluster/ring/topology.h"

#include <gtest/gtest.h>

#include <functional>

namespace grey::cluster {
namespace {

Topology sample() {
  Topology topology;
  topology.epoch = 7;
  topology.cluster_id = "orders";
  topology.nodes = {{1, "10.0.0.1:4000", "r1", "east"},
                    {2, "10.0.0.2:4000", "r2", "east"},
                    {3, "10.0.0.3:4000", "r1", "west"}};
  return topology;
}

TEST(Topology, SampleIsValid) {
  EXPECT_TRUE(sample().validate());
  EXPECT_EQ(sample().find(2)->endpoint, "10.0.0.2:4000");
  EXPECT_EQ(sample().find(4), nullptr);
}

TEST(Topology, EveryRuleIsCheckedAndNamed) {
  const std::string long_name(Topology::name_bytes_max + 1, 'x');
  const std::vector<std::pair<std::string, std::function<void(Topology&)>>> cases = {
      {"epoch 0", [](Topology& t) { t.epoch = 0; }},
      {"cluster id is empty", [](Topology& t) { t.cluster_id.clear(); }},
      {"cluster id is 256 bytes", [&](Topology& t) { t.cluster_id = long_name; }},
      {"replication factor is 0", [](Topology& t) { t.replication_factor = 0; }},
      {"replication factor is 8", [](Topology& t) { t.replication_factor = 8; }},
      {"virtual nodes is 0", [](Topology& t) { t.virtual_nodes = 0; }},
      {"virtual nodes is 1025", [](Topology& t) { t.virtual_nodes = 1025; }},
      {"number of nodes is 0", [](Topology& t) { t.nodes.clear(); }},
      {"number of nodes is 1025", [](Topology& t) { t.nodes.resize(1025); }},
      {"node id 0", [](Topology& t) { t.nodes[1].id = 0; }},
      {"node 1 is listed twice", [](Topology& t) { t.nodes[1].id = 1; }},
      {"node 2 has no endpoint", [](Topology& t) { t.nodes[1].endpoint.clear(); }},
      {"10.0.0.1:4000 belongs to two", [](Topology& t) { t.nodes[1].endpoint = "10.0.0.1:4000"; }},
      {"node 2 endpoint is 256", [&](Topology& t) { t.nodes[1].endpoint = long_name; }},
      {"node 2 rack is 256", [&](Topology& t) { t.nodes[1].rack = long_name; }},
      {"node 2 zone is 256", [&](Topology& t) { t.nodes[1].zone = long_name; }}};
  for (const auto& [expected, damage] : cases) {
    Topology topology = sample();
    damage(topology);
    const Status status = topology.validate();
    ASSERT_FALSE(status) << expected;
    EXPECT_EQ(status.error().code, ErrorCode::config_bad_value);
    EXPECT_NE(status.error().detail.find(expected), std::string::npos)
        << status.error().detail << " should say: " << expected;
  }
}

TEST(TopologyHash, SeesEverythingThatPlacementFollowsFrom) {
  const std::vector<std::function<void(Topology&)>> changes = {
      [](Topology& t) { ++t.epoch; },
      [](Topology& t) { t.cluster_id = "order"; },
      [](Topology& t) { t.replication_factor = 5; },
      [](Topology& t) { t.virtual_nodes = 128; },
      [](Topology& t) { t.nodes[1].id = 9; },
      [](Topology& t) { t.nodes[1].rack = "r1"; },
      [](Topology& t) { t.nodes[1].zone = "west"; },
      [](Topology& t) { t.nodes.pop_back(); },
      [](Topology& t) { t.nodes[0].rack = "r1e", t.nodes[0].zone = "ast"; }};
  for (const auto& change : changes) {
    Topology topology = sample();
    change(topology);
    EXPECT_NE(topology_hash(topology), topology_hash(sample()));
  }
}

TEST(TopologyHash, IgnoresOrderAndEndpoints) {
  Topology topology = sample();
  std::swap(topology.nodes[0], topology.nodes[2]);
  topology.nodes[1].endpoint = "db2.example:4000";
  EXPECT_EQ(topology_hash(topology), topology_hash(sample()));
}

// Nodes of different versions compare it: this value changes only with the encoding's version.
TEST(TopologyHash, GoldenValue) { EXPECT_EQ(topology_hash(sample()), 4594017358833985853u); }

}  // namespace
}  // namespace grey::cluster
