#include "cluster/ring/topology.h"

#include <algorithm>
#include <set>

#include "base/endian.h"
#include "base/hash.h"

namespace grey::cluster {
namespace {

constexpr std::uint8_t encoding_version = 1;

void append_text(Bytes& out, const std::string& text) {
  append_be(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

Status check_name(const std::string& what, const std::string& text) {
  if (text.size() <= Topology::name_bytes_max) return {};
  return fail(ErrorCode::config_bad_value, what + " is " + std::to_string(text.size()) +
                                               " bytes long; at most " +
                                               std::to_string(Topology::name_bytes_max));
}

Status check_number(const std::string& what, std::uint64_t value, std::uint64_t max) {
  if (value >= 1 && value <= max) return {};
  return fail(ErrorCode::config_bad_value,
              what + " is " + std::to_string(value) + "; must be from 1 to " + std::to_string(max));
}

Status check_node(const TopologyNode& node) {
  const std::string who = "node " + std::to_string(node.id);
  if (node.id == 0) return fail(ErrorCode::config_bad_value, "node id 0 is not allowed");
  if (node.endpoint.empty()) return fail(ErrorCode::config_bad_value, who + " has no endpoint");
  for (const auto& [what, text] :
       {std::pair{" endpoint", &node.endpoint}, {" rack", &node.rack}, {" zone", &node.zone}}) {
    if (Status status = check_name(who + what, *text); !status) return status;
  }
  return {};
}

}  // namespace

Status Topology::validate() const {
  if (epoch == 0) return fail(ErrorCode::config_bad_value, "topology epoch 0 is not allowed");
  if (cluster_id.empty()) return fail(ErrorCode::config_bad_value, "cluster id is empty");
  if (Status status = check_name("cluster id", cluster_id); !status) return status;
  for (const auto& [what, value, max] :
       {std::tuple{"replication factor", replication_factor, replication_factor_max},
        {"number of virtual nodes", virtual_nodes, virtual_nodes_max},
        {"number of nodes", static_cast<std::uint32_t>(nodes.size()), nodes_max}}) {
    if (Status status = check_number(what, value, max); !status) return status;
  }
  std::set<NodeId> ids;
  std::set<std::string> endpoints;
  for (const TopologyNode& node : nodes) {
    if (Status status = check_node(node); !status) return status;
    if (!ids.insert(node.id).second) {
      return fail(ErrorCode::config_bad_value,
                  "node " + std::to_string(node.id) + " is listed twice");
    }
    if (!endpoints.insert(node.endpoint).second) {
      return fail(ErrorCode::config_bad_value,
                  "endpoint " + node.endpoint + " belongs to two nodes");
    }
  }
  return {};
}

const TopologyNode* Topology::find(NodeId id) const noexcept {
  const auto found = std::ranges::find(nodes, id, &TopologyNode::id);
  return found == nodes.end() ? nullptr : &*found;
}

std::uint64_t topology_hash(const Topology& topology) {
  std::vector<const TopologyNode*> ordered;
  for (const TopologyNode& node : topology.nodes) ordered.push_back(&node);
  std::ranges::sort(ordered, {}, [](const TopologyNode* node) { return node->id; });

  Bytes encoded;
  append_be(encoded, encoding_version);
  append_be(encoded, topology.epoch);
  append_text(encoded, topology.cluster_id);
  append_be(encoded, topology.replication_factor);
  append_be(encoded, topology.virtual_nodes);
  append_be(encoded, static_cast<std::uint32_t>(ordered.size()));
  for (const TopologyNode* node : ordered) {
    append_be(encoded, node->id);
    append_text(encoded, node->rack);
    append_text(encoded, node->zone);
  }
  return xxh3_64(encoded);
}

}  // namespace grey::cluster
