// The consistent-hash ring: which nodes replicate a key (Karger et al., "Consistent hashing and
// random trees", 1997). Every node throws `virtual_nodes` points on the ring; the arc that ends at
// a point belongs to that point's node, its primary. Each arc is one range: the unit of home
// promises, of repair and of hand-over.
//
// Promises: the result depends on nothing but the topology (not on the order in which its nodes are
// listed, not on the machine); replicas of a range are distinct nodes; adding or removing a node
// moves only arcs next to its own points. Immutable, so it may be read from any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cluster/ring/token.h"
#include "cluster/ring/topology.h"

namespace grey::cluster {

/// A range's number within one ring: its place in the order of tokens. Another topology numbers
/// differently; the token at which the arc ends (Ring::end_of) names it across topologies.
using RangeId = std::uint32_t;

/// The tokens after `start`, up to and including `end`, across zero if start >= end. (start == end:
/// all of them, the arc of a ring with one point.)
struct Arc {
  Token start = 0;
  Token end = 0;
  bool contains(Token token) const noexcept {
    if (start < end) return token > start && token <= end;
    return token > start || token <= end;
  }
  /// Its part of the whole ring, above 0, at most 1.
  double share() const noexcept;
  friend bool operator==(const Arc&, const Arc&) = default;
};

class Ring {
 public:
  /// Fails with config_bad_value if the topology is not valid.
  static Result<Ring> make(Topology topology);

  const Topology& topology() const noexcept { return topology_; }
  std::uint64_t topology_hash() const noexcept { return topology_hash_; }

  std::size_t range_count() const noexcept { return ends_.size(); }
  /// The range whose arc contains `token`.
  RangeId range_of(Token token) const noexcept;
  /// The range whose arc ends exactly at `end`, if there is one.
  std::optional<RangeId> range_ending_at(Token end) const noexcept;
  Token end_of(RangeId range) const noexcept { return ends_[range]; }
  Arc arc_of(RangeId range) const noexcept;

  /// The nodes that hold the range, the primary (the preferred home) first; as many as the
  /// replication factor asks for or the topology has. Spread as widely as the topology allows: each
  /// next one is the nearest along the ring in a zone that holds none yet, failing that in a rack
  /// that holds none yet, failing that any other node. A rack belongs to its zone: equal rack names
  /// in two zones are two racks.
  std::span<const NodeId> replicas_of(RangeId range) const noexcept {
    return {replicas_.data() + std::size_t{range} * replica_count_, replica_count_};
  }
  bool is_replica(RangeId range, NodeId node) const noexcept;
  /// The ranges that `node` holds a replica of, in order.
  std::vector<RangeId> ranges_held_by(NodeId node) const;

 private:
  explicit Ring(Topology topology);

  Topology topology_;
  std::uint64_t topology_hash_;
  std::size_t replica_count_;
  std::vector<Token> ends_;       // by range; strictly rising
  std::vector<NodeId> replicas_;  // replica_count_ per range, one after the other
};

}  // namespace grey::cluster
