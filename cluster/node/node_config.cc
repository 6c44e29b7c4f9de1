#include "cluster/node/node_config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <functional>
#include <map>

#include "protocol/data_messages.h"
#include "protocol/messages.h"
#include "transport/stream.h"

namespace grey::cluster {

namespace {

// One file being read: remembers the first thing that is wrong with it.
class Reader {
 public:
  explicit Reader(std::string name) : name_(std::move(name)) {}

  using Fields = std::map<std::string, std::function<void(const YAML::Node&)>>;

  /// Reads a map whose keys are exactly `fields`, some of which may be absent.
  void map(const YAML::Node& node, const std::string& where, const Fields& fields) {
    if (!node.IsMap()) return bad(node, "'" + where + "' must be a map");
    for (const auto& entry : node) {
      const auto key = entry.first.as<std::string>();
      const auto field = fields.find(key);
      if (field == fields.end()) {
        std::string known;
        for (const auto& [one, reader] : fields) known += (known.empty() ? "" : ", ") + one;
        return set(ErrorCode::config_unknown_key, entry.first,
                   "'" + key + "' in " + where + "; known are: " + known);
      }
      field->second(entry.second);
    }
  }

  template <typename T>
  std::function<void(const YAML::Node&)> number(T& out, std::uint64_t low, std::uint64_t high) {
    return [this, &out, low, high](const YAML::Node& node) {
      std::uint64_t value = 0;
      const bool digits = node.IsScalar() && !node.Scalar().empty() && node.Scalar()[0] != '-';
      if (!digits || !YAML::convert<std::uint64_t>::decode(node, value) || value < low ||
          value > high) {
        return bad(node, "expected a whole number from " + std::to_string(low) + " to " +
                             std::to_string(high));
      }
      out = static_cast<T>(value);
    };
  }

  std::function<void(const YAML::Node&)> text(std::string& out) {
    return [this, &out](const YAML::Node& node) {
      if (!node.IsScalar()) return bad(node, "expected a text");
      out = node.Scalar();
    };
  }

  void bad(const YAML::Node& node, const std::string& what) {
    set(ErrorCode::config_bad_value, node, what);
  }
  void set(ErrorCode code, const YAML::Node& node, const std::string& what) {
    if (error_) return;
    const YAML::Mark mark = node.Mark();
    error_ = {code,
              name_ + (mark.is_null() ? "" : ":" + std::to_string(mark.line + 1)) + ": " + what};
  }
  const Error& error() const { return error_; }

 private:
  std::string name_;
  Error error_;
};

Status check_endpoint(const std::string& text) {
  const auto endpoint = transport::Endpoint::parse(text);
  if (!endpoint) return std::unexpected(endpoint.error());
  if (endpoint->is_numeric()) return {};
  return fail(ErrorCode::address_invalid,
              "'" + text + "': the host must be a numeric IPv4 or IPv6 address");
}

void read_nodes(Reader& in, const YAML::Node& list, Topology& topology) {
  if (!list.IsSequence()) return in.bad(list, "'nodes' must be a list");
  for (const YAML::Node& item : list) {
    TopologyNode node;
    in.map(item, "a node",
           {{"id", in.number(node.id, 1, ~NodeId{0})},
            {"endpoint", in.text(node.endpoint)},
            {"rack", in.text(node.rack)},
            {"zone", in.text(node.zone)}});
    if (in.error()) return;
    if (const Status sound = check_endpoint(node.endpoint); !sound) {
      return in.bad(item,
                    "endpoint of node " + std::to_string(node.id) + ": " + sound.error().detail);
    }
    topology.nodes.push_back(std::move(node));
  }
}

void read_cluster(Reader& in, const YAML::Node& node, Topology& topology) {
  in.map(node, "cluster",
         {{"id", in.text(topology.cluster_id)},
          {"epoch", in.number(topology.epoch, 1, ~0ull >> 1)},
          {"replication_factor",
           in.number(topology.replication_factor, 1, Topology::replication_factor_max)},
          {"virtual_nodes", in.number(topology.virtual_nodes, 1, Topology::virtual_nodes_max)},
          {"nodes", [&](const YAML::Node& list) { read_nodes(in, list, topology); }}});
}

Error read_file(Reader& in, const YAML::Node& root, NodeConfig& config) {
  const Reader::Fields limits = {
      {"value_bytes", in.number(config.value_bytes_max, 1, protocol::limit::value_bytes)},
      {"connections", in.number(config.connections_max, 1, 100'000)}};
  const Reader::Fields memory = {
      {"budget_bytes", in.number(config.memory_budget_bytes, 128u << 20, 1ull << 44)}};
  in.map(root, "the configuration",
         {{"cluster", [&](const YAML::Node& n) { read_cluster(in, n, config.topology); }},
          {"node", in.number(config.node, 1, ~NodeId{0})},
          {"data_dir", in.text(config.data_dir)},
          {"listen", in.text(config.listen)},
          {"transport", in.text(config.transport)},
          {"log_level", in.text(config.log_level)},
          {"limits", [&](const YAML::Node& n) { in.map(n, "limits", limits); }},
          {"memory", [&](const YAML::Node& n) { in.map(n, "memory", memory); }}});
  return in.error();
}

Status apply(const ConfigOverrides& overrides, NodeConfig& config) {
  if (!overrides.node.empty()) {
    std::uint64_t id = 0;
    if (!YAML::convert<std::uint64_t>::decode(YAML::Node(overrides.node), id) || id == 0 ||
        id > ~NodeId{0}) {
      return fail(ErrorCode::config_bad_value, "node '" + overrides.node + "' is no node number");
    }
    config.node = static_cast<NodeId>(id);
  }
  if (!overrides.data_dir.empty()) config.data_dir = overrides.data_dir;
  if (!overrides.listen.empty()) config.listen = overrides.listen;
  if (!overrides.transport.empty()) config.transport = overrides.transport;
  if (!overrides.log_level.empty()) config.log_level = overrides.log_level;
  return {};
}

bool one_of(const std::string& value, std::initializer_list<const char*> choices) {
  return std::find(choices.begin(), choices.end(), value) != choices.end();
}

// What a data directory can be named by; it also fits into HELLO.
bool is_cluster_id(const std::string& id) {
  return !id.empty() && id.size() <= protocol::limit::cluster_id_bytes &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c <= '~'; });
}

Status check(NodeConfig& config, const std::string& name) {
  const auto missing = [&](const std::string& what) {
    return fail(ErrorCode::config_missing, name + ": " + what);
  };
  if (config.topology.cluster_id.empty()) return missing("cluster.id");
  if (config.topology.nodes.empty()) return missing("cluster.nodes");
  if (!is_cluster_id(config.topology.cluster_id)) {
    return fail(ErrorCode::config_bad_value,
                name + ": cluster.id '" + config.topology.cluster_id +
                    "'; 1 to 64 printable ASCII characters without spaces are needed");
  }
  if (auto valid = config.topology.validate(); !valid) {
    return fail(valid.error().code, name + ": " + valid.error().detail);
  }
  if (config.node == 0) return missing("node (or --node, GREY_NODE)");
  const TopologyNode* self = config.topology.find(config.node);
  if (self == nullptr) {
    return fail(ErrorCode::config_bad_value,
                name + ": node " + std::to_string(config.node) + " is not in cluster.nodes");
  }
  if (config.data_dir.empty()) return missing("data_dir (or --data-dir, GREY_DATA_DIR)");
  if (config.listen.empty()) config.listen = self->endpoint;
  if (const Status sound = check_endpoint(config.listen); !sound) {
    return fail(ErrorCode::config_bad_value, name + ": listen: " + sound.error().detail);
  }
  if (!one_of(config.transport, {"auto", "io_uring", "asio"})) {
    return fail(ErrorCode::config_bad_value,
                name + ": transport '" + config.transport + "'; choose auto, io_uring or asio");
  }
  if (!one_of(config.log_level, {"trace", "debug", "info", "warn", "error"})) {
    return fail(ErrorCode::config_bad_value, name + ": log_level '" + config.log_level +
                                                 "'; choose trace, debug, info, warn or error");
  }
  return {};
}

}  // namespace

Result<NodeConfig> parse_node_config(const std::string& text, const std::string& name,
                                     const ConfigOverrides& overrides) {
  NodeConfig config;
  try {
    Reader in(name);
    if (const Error error = read_file(in, YAML::Load(text), config)) return std::unexpected(error);
  } catch (const YAML::Exception& error) {
    const std::string line = error.mark.is_null() ? "" : ":" + std::to_string(error.mark.line + 1);
    return fail(ErrorCode::config_syntax, name + line + ": " + error.msg);
  }
  if (auto applied = apply(overrides, config); !applied) return std::unexpected(applied.error());
  if (auto checked = check(config, name); !checked) return std::unexpected(checked.error());
  return config;
}

}  // namespace grey::cluster
