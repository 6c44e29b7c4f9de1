#include "protocol/handshake.h"

#include <string>

#include "protocol/wire.h"

namespace grey::protocol {
namespace {

// A client may not know its cluster's name yet: it leaves it empty and learns it from HELLO_ACK.
bool same_cluster(const SessionConfig& config, const Hello& peer) {
  if (peer.cluster_id == config.cluster_id) return !peer.cluster_id.empty();
  return peer.role == PeerRole::client
             ? peer.cluster_id.empty()
             : config.self == PeerRole::client && config.cluster_id.empty();
}

Status check_identity(const SessionConfig& config, const Hello& peer) {
  if (config.role == SessionRole::acceptor) {
    if (peer.target != 0 && peer.target != config.node_id) {
      return fail(ErrorCode::wrong_identity, "the peer wants node " + std::to_string(peer.target) +
                                                 ", this is node " +
                                                 std::to_string(config.node_id));
    }
  } else if (peer.role != PeerRole::node) {
    return fail(ErrorCode::wrong_identity, "the acceptor is not a node");
  } else if (config.expected_node != 0 && peer.node_id != config.expected_node) {
    return fail(ErrorCode::wrong_identity, "expected node " + std::to_string(config.expected_node) +
                                               ", got " + std::to_string(peer.node_id));
  }
  const bool named = peer.role == PeerRole::node ? peer.node_id != 0 : peer.client_id != ClientId{};
  return named ? Status() : fail(ErrorCode::wrong_identity, "the peer does not name itself");
}

Status check_limits(const Hello& peer) {
  if (peer.shard_count == 0 || peer.shard >= peer.shard_count) {
    return fail(ErrorCode::bad_handshake, "shard out of range");
  }
  if (peer.payload_bytes_max < window_bytes_min || peer.credit_bytes < window_bytes_min ||
      peer.credit_messages == 0 || peer.credit_bytes > INT64_MAX / 4 ||
      peer.credit_messages > INT64_MAX / 4) {
    return fail(ErrorCode::bad_handshake, "limits too small or too large");
  }
  return {};
}

}  // namespace

Hello make_hello(const SessionConfig& config, Lane lane, std::uint16_t shard, NodeId target) {
  const LaneLimits& limits = config.lanes[static_cast<std::size_t>(lane)];
  return {.cluster_id = config.cluster_id,
          .role = config.self,
          .node_id = config.node_id,
          .client_id = config.client_id,
          .incarnation = config.incarnation,
          .target = target,
          .topology_hash = config.topology_hash,
          .lane = lane,
          .shard = shard,
          .shard_count = config.shard_count,
          .features = feature::lz4,
          .encryption = config.encryption,
          .payload_bytes_max = limits.payload_bytes_max,
          .message_bytes_max = limits.message_bytes_max,
          .credit_bytes = limits.credit_bytes,
          .credit_messages = limits.credit_messages,
          .random = config.random};
}

Status check_peer(const SessionConfig& config, const Hello& peer) {
  if (peer.version_min > protocol_version || peer.version_max < protocol_version) {
    return fail(ErrorCode::unsupported_version, "the peer speaks versions " +
                                                    std::to_string(peer.version_min) + " to " +
                                                    std::to_string(peer.version_max));
  }
  if (!same_cluster(config, peer)) return fail(ErrorCode::wrong_cluster);
  const bool we_require = config.encryption == EncryptionMode::required;
  const bool peer_requires = peer.encryption == EncryptionMode::required;
  if ((we_require || peer_requires) && !encryption_agreed(config, peer)) {
    return fail(ErrorCode::encryption_required);
  }
  if (config.self == PeerRole::node && peer.role == PeerRole::node &&
      peer.topology_hash != config.topology_hash) {
    return fail(ErrorCode::wrong_topology);
  }
  if (const Status identity = check_identity(config, peer); !identity) return identity;
  return check_limits(peer);
}

bool encryption_agreed(const SessionConfig& config, const Hello& peer) noexcept {
  return config.encryption != EncryptionMode::off && peer.encryption != EncryptionMode::off;
}

const Bytes& secret_for(const SessionConfig& config, PeerRole initiator) noexcept {
  return initiator == PeerRole::node ? config.node_secret : config.client_secret;
}

}  // namespace grey::protocol
