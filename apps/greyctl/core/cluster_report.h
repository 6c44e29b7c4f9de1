// What `greyctl status` tells: the topology, and what each node says of itself (the status document
// of docs/data-methods.md, of which every name is optional). Pure.
#pragma once
#include <string>
#include <vector>

#include <grey/types.h>

#include "apps/greyctl/core/json.h"
#include "apps/greyctl/core/output_format.h"

namespace grey::ctl {

struct NodeReport {
  NodeView node;
  bool answered = false;
  std::string error = {};          // why it did not
  Json document = Json::object();  // what it said
};

/// The MessagePack map of a status answer; an empty object if it is none.
Json decode_document(const std::string& bytes);

struct ClusterReport {
  ClusterView cluster;
  std::vector<NodeReport> nodes;

  /// What is not as it should be, one sentence each: nodes that do not answer or do not serve, and
  /// peers that nodes cannot reach. Empty: the cluster is healthy.
  std::vector<std::string> troubles() const;
};

/// raw is treated as table.
std::string print_cluster(const ClusterReport& report, OutputFormat format);

}  // namespace grey::ctl
