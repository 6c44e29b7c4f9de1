// A node's configuration: one YAML file, the same for all nodes of a cluster but for `node`. Every
// key is checked: an unknown one, a wrong type or an impossible value is an error with its line.
//
//   cluster:
//     id: prod-eu                 # required
//     epoch: 1
//     replication_factor: 3
//     virtual_nodes: 256
//     nodes:                      # required
//       - {id: 1, endpoint: "10.0.0.1:7400", rack: r1, zone: a}
//   node: 1                       # which of them this is (or --node, GREY_NODE)
//   data_dir: /var/lib/grey       # required (or --data-dir, GREY_DATA_DIR)
//   listen: "0.0.0.0:7400"        # default: the node's own endpoint (or --listen, GREY_LISTEN)
//   transport: auto               # auto | io_uring | asio (or --transport, GREY_TRANSPORT)
//   log_level: info               # trace | debug | info | warn | error (or GREY_LOG_LEVEL)
//   limits: {value_bytes: 1048576, connections: 1024}
//   memory: {budget_bytes: 1073741824}
#pragma once
#include <cstdint>
#include <string>

#include "base/error.h"
#include "cluster/ring/topology.h"

namespace grey::cluster {

struct NodeConfig {
  Topology topology;
  NodeId node = 0;
  std::string data_dir = {};
  std::string listen;  // empty: the node's own endpoint
  std::string transport = "auto";
  std::string log_level = "info";
  std::uint64_t value_bytes_max = 1u << 20;
  std::uint32_t connections_max = 1024;  // of clients
  std::uint64_t memory_budget_bytes = 1u << 30;
};

/// What the command line and the environment say instead of the file; empty: nothing.
struct ConfigOverrides {
  std::string node = {};
  std::string data_dir = {};
  std::string listen = {};
  std::string transport = {};
  std::string log_level = {};
};

/// Parses `text`; `name` stands for the file in errors. Fails with config_syntax,
/// config_unknown_key, config_bad_value, config_missing.
Result<NodeConfig> parse_node_config(const std::string& text, const std::string& name,
                                     const ConfigOverrides& overrides);

}  // namespace grey::cluster
