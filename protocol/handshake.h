// What HELLO and HELLO_ACK say and which of them are acceptable: the rules of the handshake apart
// from its sequence.
#pragma once
#include "base/error.h"
#include "protocol/messages.h"
#include "protocol/session_config.h"

namespace grey::protocol {

/// No window or frame cap below this works; a peer that offers less is refused.
inline constexpr std::uint32_t window_bytes_min = 4096;

/// What this side says of itself. `lane` and `shard` are those of the connection, `target` the node
/// that it is meant for.
Hello make_hello(const SessionConfig& config, Lane lane, std::uint16_t shard, NodeId target);

/// May this peer talk to us? unsupported_version, wrong_cluster, encryption_required,
/// wrong_topology, wrong_identity or bad_handshake if not, in that order.
Status check_peer(const SessionConfig& config, const Hello& peer);

/// True if both sides want (or require) encryption.
bool encryption_agreed(const SessionConfig& config, const Hello& peer) noexcept;

/// The secret for a connection on which the initiator has this role.
const Bytes& secret_for(const SessionConfig& config, PeerRole initiator) noexcept;

}  // namespace grey::protocol
