#include "client/cluster_map.h"

#include <utility>

#include "cluster/ring/token.h"

namespace grey::client {

Status ClusterMap::adopt(const protocol::ClusterInfo& info) {
  cluster::Topology topology;
  topology.epoch = info.epoch;
  topology.cluster_id = info.cluster_id;
  topology.replication_factor = info.replication_factor;
  topology.virtual_nodes = info.virtual_nodes;
  for (const protocol::WireNode& node : info.nodes) {
    topology.nodes.push_back({node.id, node.endpoint, node.rack, node.zone});
  }
  auto ring = cluster::Ring::make(std::move(topology));
  if (!ring) return fail(ErrorCode::bad_envelope, "topology: " + ring.error().detail);
  std::map<NodeId, State> nodes;
  for (const cluster::TopologyNode& node : ring->topology().nodes) {
    const auto old = nodes_.find(node.id);
    nodes.emplace(node.id, old == nodes_.end() ? State{} : old->second);
  }
  ring_ = std::move(*ring);
  nodes_ = std::move(nodes);
  return {};
}

cluster::RangeId ClusterMap::range_of(ByteView tenant, ByteView key) const {
  return ring_->range_of(cluster::token_of(tenant, key));
}

void ClusterMap::set_up(NodeId node, bool up) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  found->second = {.up = up, .suspect_until = {}};
}

void ClusterMap::set_suspect(NodeId node, MonotonicTime until) {
  const auto found = nodes_.find(node);
  if (found != nodes_.end()) found->second.suspect_until = until;
}

void ClusterMap::clear_suspect(NodeId node) { set_suspect(node, {}); }

bool ClusterMap::any_up() const noexcept {
  for (const auto& [node, state] : nodes_) {
    if (state.up) return true;
  }
  return false;
}

void ClusterMap::candidates(cluster::RangeId range, MonotonicTime now,
                            std::vector<NodeId>& out) const {
  out.clear();
  if (!ring_) return;
  const auto replicas = ring_->replicas_of(range);
  for (const bool suspect : {false, true}) {
    for (const NodeId node : replicas) {
      const auto state = nodes_.find(node);
      if (state == nodes_.end() || !state->second.up) continue;
      if ((state->second.suspect_until > now) == suspect) out.push_back(node);
    }
  }
  if (replicas.size() == nodes_.size()) return;
  for (const auto& [node, state] : nodes_) {
    if (state.up && !ring_->is_replica(range, node)) out.push_back(node);
  }
}

}  // namespace grey::client
