// CLUSTER_INFO's answer. It is rare and becomes owned strings, so it may allocate.
#include "protocol/data_messages.h"
#include "protocol/msgpack_reader.h"
#include "protocol/msgpack_writer.h"

namespace grey::protocol {
namespace {

constexpr std::uint32_t nodes_max = 1024;
constexpr msgpack::Limits info_limits{
    .depth_max = 8, .elements_max = 16 * nodes_max, .str_bytes_max = 255, .bin_bytes_max = 0};

void skip(msgpack::Reader& in, std::uint32_t count) {
  for (; count > 0 && in.ok(); --count) in.skip();
}

WireNode read_node(msgpack::Reader& in) {
  const std::uint32_t count = in.read_array_at_least(4);
  WireNode node;
  node.id = static_cast<NodeId>(in.read_uint(0xffffffff));
  node.endpoint = in.read_str();
  node.rack = in.read_str();
  node.zone = in.read_str();
  if (in.ok()) skip(in, count - 4);
  return node;
}

}  // namespace

void encode_head(const ClusterInfo& info, Bytes& head) {
  msgpack::Writer out(head);
  out.array(1).array(9).uint(info.epoch).str(info.cluster_id);
  out.uint(info.replication_factor).uint(info.virtual_nodes).array(info.nodes.size());
  for (const WireNode& node : info.nodes) {
    out.array(4).uint(node.id).str(node.endpoint).str(node.rack).str(node.zone);
  }
  out.uint(info.self).uint(info.round_seen).uint(info.value_bytes_max).str(info.server_version);
}

Result<ClusterInfo> decode_cluster_info(ByteView body) {
  msgpack::Reader in(body, info_limits);
  const std::uint32_t parts = in.read_array_at_least(1);
  const std::uint32_t fields = in.read_array_at_least(9);
  ClusterInfo info;
  info.epoch = in.read_uint();
  info.cluster_id = in.read_str();
  info.replication_factor = static_cast<std::uint32_t>(in.read_uint(0xffffffff));
  info.virtual_nodes = static_cast<std::uint32_t>(in.read_uint(0xffffffff));
  const std::uint32_t nodes = in.read_array();
  if (nodes > nodes_max) in.reject();
  for (std::uint32_t i = 0; i < nodes && in.ok(); ++i) info.nodes.push_back(read_node(in));
  info.self = static_cast<NodeId>(in.read_uint(0xffffffff));
  info.round_seen = in.read_uint(limit::round_end - 1);
  info.value_bytes_max = in.read_uint(limit::value_bytes);
  info.server_version = in.read_str();
  if (in.ok()) skip(in, fields - 9);
  if (in.ok()) skip(in, parts - 1);
  if (in.ok() && !in.at_end()) in.reject();
  if (!in.ok()) return fail(ErrorCode::bad_envelope, "CLUSTER_INFO reply");
  return info;
}

}  // namespace grey::protocol
