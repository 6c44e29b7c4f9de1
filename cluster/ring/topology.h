// The topology: which nodes make up the cluster, and where they stand. All placement follows from
// it, so nodes and clients compare its hash when they meet and refuse one that differs.
//
// A topology is a value: an epoch names it for ever, and a changed one gets a higher epoch.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

namespace grey::cluster {

struct TopologyNode {
  NodeId id = 0;         // not 0; unique
  std::string endpoint;  // "host:port" where peers and clients reach it; unique
  std::string rack;      // what fails together: one switch, one power feed; may be empty
  std::string zone;      // a building or availability zone; may be empty
  friend bool operator==(const TopologyNode&, const TopologyNode&) = default;
};

struct Topology {
  static constexpr std::uint32_t nodes_max = 1024;
  static constexpr std::uint32_t replication_factor_max = 7;
  static constexpr std::uint32_t virtual_nodes_max = 1024;
  static constexpr std::size_t name_bytes_max = 255;  // of a cluster id, endpoint, rack or zone

  std::uint64_t epoch = 1;  // not 0
  std::string cluster_id;   // not empty; the same for the cluster's whole life
  std::uint32_t replication_factor = 3;
  std::uint32_t virtual_nodes = 256;  // ring points per node
  std::vector<TopologyNode> nodes;    // in any order

  /// Every rule above, with what is wrong and where. Fails with config_bad_value.
  Status validate() const;
  /// The node of that id, or null.
  const TopologyNode* find(NodeId id) const noexcept;
  friend bool operator==(const Topology&, const Topology&) = default;
};

/// XXH3-64 of a canonical encoding of everything that membership and placement follow from: epoch,
/// cluster id, replication factor, virtual nodes, and each node's id, rack and zone in order of id.
/// The order of listing does not matter. Endpoints are left out: they decide no placement, and a
/// node that moves to another address needs no new epoch, only a restart of the others in turn.
std::uint64_t topology_hash(const Topology& topology);

}  // namespace grey::cluster
