// STATUS: what a node says of itself, as one MessagePack map with names. It is for people and
// monitoring, so it is open: a node adds names freely, a reader takes those that it knows and shows
// the others as they are. Nothing decides anything by it.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"

namespace grey::protocol {

/// Figures in the order in which they are to be shown.
using NamedFigures = std::vector<std::pair<std::string, std::uint64_t>>;

struct PeerStatus {
  NodeId node = 0;
  std::string endpoint;
  std::string state;       // "up", "down"
  std::string last_error;  // why it is not up; may be empty
  NamedFigures figures;    // round trip, calls outstanding…
};

struct NodeStatus {
  NodeId node = 0;
  std::uint64_t incarnation = 0;
  std::string state;  // "serving", "starting", "stopping"
  std::string server_version;
  std::string cluster_id;
  std::uint64_t epoch = 0;
  std::uint64_t topology_hash = 0;
  std::uint64_t uptime_ms = 0;
  std::string transport;         // "io_uring", "asio"
  std::string transport_reason;  // why this one was chosen
  std::string storage;           // "rocksdb", "memory"
  NamedFigures storage_figures;
  NamedFigures counters;
  std::vector<PeerStatus> peers;
};

void encode_status(const NodeStatus& status, Bytes& out);

/// Unknown names are skipped, absent ones keep their defaults. Fails with bad_envelope on anything
/// that is not such a map, and beyond 1,024 peers or 4,096 figures in one place.
Result<NodeStatus> decode_status(ByteView body);

}  // namespace grey::protocol
