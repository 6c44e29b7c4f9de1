#include "protocol/node_status.h"

#include <string_view>

#include "protocol/msgpack_reader.h"
#include "protocol/msgpack_writer.h"

namespace grey::protocol {
namespace {

constexpr msgpack::Limits status_limits{
    .depth_max = 8, .elements_max = 1u << 16, .str_bytes_max = 4096, .bin_bytes_max = 4096};
constexpr std::uint32_t peers_max = 1024;
constexpr std::uint32_t figures_max = 4096;

void write_figures(msgpack::Writer& out, const NamedFigures& figures) {
  out.map(figures.size());
  for (const auto& [name, figure] : figures) out.str(name).uint(figure);
}

NamedFigures read_figures(msgpack::Reader& in) {
  NamedFigures figures;
  const std::uint32_t count = in.read_map();
  if (count > figures_max) in.reject();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::string_view name = in.read_str();
    const std::uint64_t figure = in.read_uint();
    if (in.ok()) figures.emplace_back(name, figure);
  }
  return figures;
}

PeerStatus read_peer(msgpack::Reader& in) {
  PeerStatus peer;
  const std::uint32_t count = in.read_map();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::string_view name = in.read_str();
    if (name == "node") {
      peer.node = static_cast<NodeId>(in.read_uint(0xffffffff));
    } else if (name == "endpoint") {
      peer.endpoint = in.read_str();
    } else if (name == "state") {
      peer.state = in.read_str();
    } else if (name == "last_error") {
      peer.last_error = in.read_str();
    } else if (name == "figures") {
      peer.figures = read_figures(in);
    } else {
      in.skip();
    }
  }
  return peer;
}

void read_peers(msgpack::Reader& in, std::vector<PeerStatus>& peers) {
  const std::uint32_t count = in.read_array();
  if (count > peers_max) in.reject();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) peers.push_back(read_peer(in));
}

void read_field(msgpack::Reader& in, std::string_view name, NodeStatus& out) {
  if (name == "node") {
    out.node = static_cast<NodeId>(in.read_uint(0xffffffff));
  } else if (name == "incarnation") {
    out.incarnation = in.read_uint();
  } else if (name == "state") {
    out.state = in.read_str();
  } else if (name == "server_version") {
    out.server_version = in.read_str();
  } else if (name == "cluster_id") {
    out.cluster_id = in.read_str();
  } else if (name == "epoch") {
    out.epoch = in.read_uint();
  } else if (name == "topology_hash") {
    out.topology_hash = in.read_uint();
  } else if (name == "uptime_ms") {
    out.uptime_ms = in.read_uint();
  } else if (name == "transport") {
    out.transport = in.read_str();
  } else if (name == "transport_reason") {
    out.transport_reason = in.read_str();
  } else if (name == "storage") {
    out.storage = in.read_str();
  } else if (name == "storage_figures") {
    out.storage_figures = read_figures(in);
  } else if (name == "counters") {
    out.counters = read_figures(in);
  } else if (name == "peers") {
    read_peers(in, out.peers);
  } else {
    in.skip();
  }
}

}  // namespace

void encode_status(const NodeStatus& status, Bytes& bytes) {
  msgpack::Writer out(bytes);
  out.map(14).str("node").uint(status.node).str("incarnation").uint(status.incarnation);
  out.str("state").str(status.state).str("server_version").str(status.server_version);
  out.str("cluster_id").str(status.cluster_id).str("epoch").uint(status.epoch);
  out.str("topology_hash").uint(status.topology_hash).str("uptime_ms").uint(status.uptime_ms);
  out.str("transport").str(status.transport).str("transport_reason").str(status.transport_reason);
  out.str("storage").str(status.storage).str("storage_figures");
  write_figures(out, status.storage_figures);
  out.str("counters");
  write_figures(out, status.counters);
  out.str("peers").array(status.peers.size());
  for (const PeerStatus& peer : status.peers) {
    out.map(5).str("node").uint(peer.node).str("endpoint").str(peer.endpoint);
    out.str("state").str(peer.state).str("last_error").str(peer.last_error).str("figures");
    write_figures(out, peer.figures);
  }
}

Result<NodeStatus> decode_status(ByteView body) {
  msgpack::Reader in(body, status_limits);
  NodeStatus status;
  const std::uint32_t count = in.read_map();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::string_view name = in.read_str();
    read_field(in, name, status);
  }
  if (in.ok() && !in.at_end()) in.reject();
  if (!in.ok()) return fail(ErrorCode::bad_envelope, "STATUS reply");
  return status;
}

}  // namespace grey::protocol
