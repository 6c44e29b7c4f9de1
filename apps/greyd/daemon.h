// The life of a greyd process: data directory, transport, engine, node; signals in, exit code out.
#pragma once
#include <string>

#include "base/error.h"
#include "cluster/node/node_config.h"

namespace grey::greyd {

/// Gives the configured data directory its identity and an empty engine.
Status initialise(const cluster::NodeConfig& config);

/// Runs the node until SIGTERM or SIGINT (a second one does not wait), or until it fails.
Status run(cluster::NodeConfig config);

/// Reads a whole file. Fails with file_error.
Result<std::string> read_text_file(const std::string& path);

}  // namespace grey::greyd
