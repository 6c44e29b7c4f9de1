#include "cluster/ring/ring.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/endian.h"
#include "base/hash.h"

namespace grey::cluster {
namespace {

struct Point {
  Token token;
  NodeId node;
  std::uint32_t place;  // index into Places
  friend auto operator<=>(const Point& a, const Point& b) = default;
};

Token point_token(NodeId node, std::uint32_t index) {
  std::array<char, 8> encoded;
  store_be(encoded.data(), node);
  store_be(encoded.data() + 4, index);
  return xxh3_64({encoded.data(), encoded.size()});
}

/// Where each node stands, with zones and racks as small numbers, so that the walk compares
/// integers.
struct Places {
  struct Place {
    std::uint32_t zone;
    std::uint32_t rack;
  };
  explicit Places(const Topology& topology) {
    std::map<std::string, std::uint32_t> zones;
    std::map<std::pair<std::string, std::string>, std::uint32_t> racks;
    for (const TopologyNode& node : topology.nodes) {
      const auto zone = zones.try_emplace(node.zone, zones.size()).first->second;
      const auto rack = racks.try_emplace({node.zone, node.rack}, racks.size()).first->second;
      of_node.push_back({zone, rack});
    }
    zone_count = zones.size();
    rack_count = racks.size();
  }
  std::vector<Place> of_node;  // in the topology's order of nodes
  std::size_t zone_count = 0;
  std::size_t rack_count = 0;
};

std::vector<Point> sorted_points(const Topology& topology) {
  std::vector<Point> points;
  points.reserve(topology.nodes.size() * topology.virtual_nodes);
  for (std::uint32_t place = 0; place < topology.nodes.size(); ++place) {
    const NodeId node = topology.nodes[place].id;
    for (std::uint32_t index = 0; index < topology.virtual_nodes; ++index) {
      points.push_back({point_token(node, index), node, place});
    }
  }
  std::ranges::sort(points);
  return points;
}

/// Chooses the replicas of the arcs, each by walking the points from the arc's end on.
class ReplicaChooser {
 public:
  ReplicaChooser(const Topology& topology, const std::vector<Point>& points)
      : points_(points),
        places_(topology),
        wanted_(std::min<std::size_t>(topology.replication_factor, topology.nodes.size())),
        every_node_(wanted_ == topology.nodes.size()) {}

  std::size_t replica_count() const { return wanted_; }

  /// Appends the replicas of the arc that ends at points[first].
  void append_replicas(std::size_t first, std::vector<NodeId>& out) {
    chosen_.clear();
    while (chosen_.size() < wanted_) {
      const Spread need = spread_still_possible();
      std::size_t at = first;
      while (!widens(points_[at].place, need)) at = at + 1 == points_.size() ? 0 : at + 1;
      chosen_.push_back(points_[at].place);
      out.push_back(points_[at].node);
    }
  }

 private:
  enum class Spread { other_zone, other_rack, other_node };

  /// True if `place` stands apart from all chosen ones as `need` asks.
  bool widens(std::uint32_t place, Spread need) const {
    return std::ranges::none_of(chosen_, [&](std::uint32_t other) {
      switch (need) {
        case Spread::other_zone:
          return places_.of_node[place].zone == places_.of_node[other].zone;
        case Spread::other_rack:
          return places_.of_node[place].rack == places_.of_node[other].rack;
        case Spread::other_node:
          return place == other;
      }
      return true;
    });
  }

  /// The widest spread that some node not yet chosen still offers.
  Spread spread_still_possible() const {
    if (every_node_) return Spread::other_node;  // nothing to choose: keep the ring's own order
    std::set<std::uint32_t> zones;
    std::set<std::uint32_t> racks;
    for (const std::uint32_t place : chosen_) {
      zones.insert(places_.of_node[place].zone);
      racks.insert(places_.of_node[place].rack);
    }
    if (zones.size() < places_.zone_count) return Spread::other_zone;
    if (racks.size() < places_.rack_count) return Spread::other_rack;
    return Spread::other_node;
  }

  const std::vector<Point>& points_;
  const Places places_;
  const std::size_t wanted_;
  const bool every_node_;
  std::vector<std::uint32_t> chosen_;  // places, in the order chosen
};

}  // namespace

double Arc::share() const noexcept {
  const Token length = end - start;  // 0 means the whole ring
  return length == 0 ? 1.0 : static_cast<double>(length) * 0x1.0p-64;
}

Result<Ring> Ring::make(Topology topology) {
  if (Status status = topology.validate(); !status) return std::unexpected(status.error());
  return Ring(std::move(topology));
}

Ring::Ring(Topology topology)
    : topology_(std::move(topology)), topology_hash_(cluster::topology_hash(topology_)) {
  const std::vector<Point> points = sorted_points(topology_);
  ReplicaChooser chooser(topology_, points);
  replica_count_ = chooser.replica_count();
  ends_.reserve(points.size());
  replicas_.reserve(points.size() * replica_count_);
  for (std::size_t i = 0; i < points.size(); ++i) {
    // Two nodes on one point: it is the lower id's, as the order of points has it.
    if (i > 0 && points[i].token == points[i - 1].token) continue;
    ends_.push_back(points[i].token);
    chooser.append_replicas(i, replicas_);
  }
}

RangeId Ring::range_of(Token token) const noexcept {
  const auto found = std::ranges::lower_bound(ends_, token);
  return found == ends_.end() ? 0 : static_cast<RangeId>(found - ends_.begin());
}

std::optional<RangeId> Ring::range_ending_at(Token end) const noexcept {
  const RangeId range = range_of(end);
  if (ends_[range] != end) return std::nullopt;
  return range;
}

Arc Ring::arc_of(RangeId range) const noexcept {
  return {range == 0 ? ends_.back() : ends_[range - 1], ends_[range]};
}

bool Ring::is_replica(RangeId range, NodeId node) const noexcept {
  return std::ranges::find(replicas_of(range), node) != replicas_of(range).end();
}

std::vector<RangeId> Ring::ranges_held_by(NodeId node) const {
  std::vector<RangeId> held;
  for (RangeId range = 0; range < range_count(); ++range) {
    if (is_replica(range, node)) held.push_back(range);
  }
  return held;
}

}  // namespace grey::cluster
