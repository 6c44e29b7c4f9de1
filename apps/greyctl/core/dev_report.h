// What `greyctl dev` tells about the cluster that it has started. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "apps/greyctl/core/output_format.h"

namespace grey::ctl {

struct DevNode {
  std::uint32_t id = 0;
  std::string endpoint;
  std::int64_t pid = 0;
  std::string data_dir;
  std::string log;
};

struct DevReport {
  std::string cluster_id;
  std::string directory;
  std::string endpoints;  // with commas between
  bool temporary = false;
  std::vector<DevNode> nodes;
};

/// The nodes, the line to export, and how to stop and to remove it all; raw: only the line.
std::string print_dev(const DevReport& report, OutputFormat format);

}  // namespace grey::ctl
