#include "apps/greyctl/core/cluster_report.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "apps/greyctl/core/duration.h"
#include "apps/greyctl/core/table.h"
#include "apps/greyctl/core/text.h"

namespace grey::ctl {

namespace {

constexpr const char* unsaid = "-";

std::string text_at(const Json& document, const char* name) {
  const auto found = document.find(name);
  if (found == document.end() || !found->is_string()) return unsaid;
  return show_bytes_as_text(found->get<std::string>(), true);
}

std::string number_at(const Json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_number_unsigned() ? found->dump() : unsaid;
}

const Json& map_at(const Json& document, const char* name) {
  static const Json none = Json::object();
  const auto found = document.find(name);
  return found != document.end() && found->is_object() ? *found : none;
}

std::vector<Json> peers_of(const Json& document) {
  std::vector<Json> out;
  const auto found = document.find("peers");
  if (found == document.end() || !found->is_array()) return out;
  std::copy_if(found->begin(), found->end(), std::back_inserter(out),
               [](const Json& peer) { return peer.is_object(); });
  return out;
}

bool is_up(const Json& peer) { return text_at(peer, "state") == "up"; }

std::string peers_up(const Json& document) {
  const std::vector<Json> peers = peers_of(document);
  return std::to_string(std::count_if(peers.begin(), peers.end(), is_up)) + "/" +
         std::to_string(peers.size());
}

std::string uptime_of(const Json& document) {
  const auto found = document.find("uptime_ms");
  if (found == document.end() || !found->is_number_unsigned()) return unsaid;
  return show_duration(std::chrono::milliseconds(
      std::min<std::uint64_t>(found->get<std::uint64_t>(), std::uint64_t{1} << 60)));
}

std::string place_of(const NodeView& node) {
  if (node.rack.empty() && node.zone.empty()) return unsaid;
  return show_bytes_as_text(
      (node.rack.empty() ? unsaid : node.rack) + "/" + (node.zone.empty() ? unsaid : node.zone),
      true);
}

std::string name_of(const NodeView& node) {
  return "node " + std::to_string(node.id) + " (" + show_bytes_as_text(node.endpoint, true) + ")";
}

std::string table_of(const ClusterReport& report) {
  Table table({{"NODE", Align::right},
               {"ENDPOINT"},
               {"RACK/ZONE"},
               {"STATE"},
               {"INCARNATION", Align::right},
               {"TRANSPORT"},
               {"STORAGE"},
               {"UPTIME", Align::right},
               {"PEERS UP", Align::right},
               {"OPERATIONS", Align::right},
               {"IN FLIGHT", Align::right},
               {"UNKNOWN", Align::right}});
  for (const NodeReport& row : report.nodes) {
    const Json& counters = map_at(row.document, "counters");
    table.add({std::to_string(row.node.id), show_bytes_as_text(row.node.endpoint, true),
               place_of(row.node), row.answered ? text_at(row.document, "state") : "unreachable",
               number_at(row.document, "incarnation"), text_at(row.document, "transport"),
               text_at(row.document, "storage"), uptime_of(row.document),
               row.answered ? peers_up(row.document) : unsaid, number_at(counters, "operations"),
               number_at(counters, "operations_in_flight"),
               number_at(counters, "outcomes_unknown")});
  }
  return table.to_string();
}

// "io_uring: kernel 6.1 offers all that is needed (nodes 1, 2, 3)"
std::string transport_lines(const ClusterReport& report) {
  std::map<std::string, std::string> who;
  for (const NodeReport& row : report.nodes) {
    if (!row.answered) continue;
    std::string& nodes =
        who[text_at(row.document, "transport") + ": " + text_at(row.document, "transport_reason")];
    nodes += (nodes.empty() ? "" : ", ") + std::to_string(row.node.id);
  }
  std::string out;
  for (const auto& [what, nodes] : who) out += "transport " + what + " (nodes " + nodes + ")\n";
  return out;
}

std::string text_of(const ClusterReport& report) {
  const ClusterView& cluster = report.cluster;
  const std::size_t nodes = report.nodes.size();
  std::string out = "cluster " + show_bytes_as_text(cluster.cluster_id, true) + ", epoch " +
                    std::to_string(cluster.epoch) + ", " + std::to_string(nodes) +
                    (nodes == 1 ? " node" : " nodes") + ", " +
                    std::to_string(cluster.replication_factor) + " replicas a key, server " +
                    show_bytes_as_text(cluster.server_version, true) + "\n\n" + table_of(report) +
                    "\n" + transport_lines(report);
  const std::vector<std::string> troubles = report.troubles();
  if (troubles.empty()) return out + "healthy: every node serves and sees its peers\n";
  for (const std::string& trouble : troubles) out += "degraded: " + trouble + "\n";
  return out;
}

Json json_of(const NodeReport& row) {
  Json out = {{"id", row.node.id},
              {"endpoint", row.node.endpoint},
              {"rack", row.node.rack},
              {"zone", row.node.zone},
              {"reachable", row.answered}};
  if (!row.answered) out["error"] = row.error;
  if (row.answered) out["status"] = row.document;
  return out;
}

}  // namespace

Json decode_document(const std::string& bytes) {
  Json document = Json::from_msgpack(bytes, true, false);
  return document.is_object() ? document : Json::object();
}

std::vector<std::string> ClusterReport::troubles() const {
  std::vector<std::string> out;
  std::map<std::string, bool> answered;
  for (const NodeReport& row : nodes) answered[std::to_string(row.node.id)] = row.answered;
  for (const NodeReport& row : nodes) {
    if (!row.answered) {
      out.push_back(name_of(row.node) + " is unreachable: " + show_bytes_as_text(row.error, true));
      continue;
    }
    if (const std::string state = text_at(row.document, "state"); state != "serving") {
      out.push_back(name_of(row.node) + " is " + state);
    }
    for (const Json& peer : peers_of(row.document)) {
      const std::string id = number_at(peer, "node");
      // Of a node that nobody reaches it is said already.
      if (is_up(peer) || (answered.contains(id) && !answered[id])) continue;
      out.push_back(name_of(row.node) + " cannot reach node " + id + ": " +
                    text_at(peer, "last_error"));
    }
  }
  return out;
}

std::string print_cluster(const ClusterReport& report, OutputFormat format) {
  if (!is_json(format)) return text_of(report);
  std::string lines;
  Json nodes = Json::array();
  for (const NodeReport& row : report.nodes) {
    if (format == OutputFormat::ndjson) lines += dump(json_of(row), format);
    nodes.push_back(json_of(row));
  }
  if (format == OutputFormat::ndjson) return lines;
  const ClusterView& cluster = report.cluster;
  const std::vector<std::string> troubles = report.troubles();
  return dump({{"cluster_id", cluster.cluster_id},
               {"epoch", cluster.epoch},
               {"replication_factor", cluster.replication_factor},
               {"value_bytes_max", cluster.value_bytes_max},
               {"server_version", cluster.server_version},
               {"healthy", troubles.empty()},
               {"troubles", troubles},
               {"nodes", nodes}},
              format);
}

}  // namespace grey::ctl
