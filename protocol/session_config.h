// What a session is told at its start. Plain data; every limit has a default that suits a data
// lane.
#pragma once
#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "protocol/messages.h"

namespace grey::protocol {

/// The time of a call, read once by the driver. Unix time is only written into frames.
struct Instant {
  MonotonicTime now{};
  std::int64_t unix_ns = 0;
};

enum class SessionRole : std::uint8_t {
  initiator,  // the side that connected: sends HELLO
  acceptor    // answers with HELLO_ACK
};

/// Limits that depend on the lane; an acceptor learns the lane from HELLO, so it gets all three.
struct LaneLimits {
  std::uint32_t payload_bytes_max = 1u << 20;  // a frame's payload that this side accepts
  std::uint64_t message_bytes_max = limit::message_bytes;  // a chunked message that it accepts
  std::uint64_t credit_bytes = 1u << 20;                   // the window that it grants
  std::uint64_t credit_messages = 1024;
  std::uint32_t chunk_threshold_bytes = 256u << 10;  // longer envelopes are sent as chunks
  std::uint32_t chunk_bytes = 64u << 10;             // data of one chunk sent
};

inline constexpr LaneLimits default_lane_limits(Lane lane) noexcept {
  LaneLimits limits;
  if (lane == Lane::control) {
    limits.payload_bytes_max = 64u << 10;
    limits.message_bytes_max = 1u << 20;
    limits.credit_bytes = 256u << 10;
    limits.chunk_threshold_bytes = 32u << 10;
    limits.chunk_bytes = 16u << 10;
  } else if (lane == Lane::bulk) {
    limits.credit_bytes = 4u << 20;
    limits.credit_messages = 256;
  }
  return limits;
}

struct SessionConfig {
  SessionRole role = SessionRole::initiator;

  // Who this side is.
  Bytes cluster_id;  // of a client: empty if it does not know it yet (PeerInfo tells it then)
  PeerRole self = PeerRole::node;
  NodeId node_id = 0;
  ClientId client_id;
  std::uint64_t incarnation = 0;
  std::uint64_t topology_hash = 0;  // 0: not known yet (clients)

  // Whom it talks to. An acceptor checks that HELLO's target is itself and takes lane and shard
  // from HELLO; who may connect is the owner's decision in SessionEvents::established().
  NodeId expected_node = 0;  // initiator: refuse an acceptor that is another; 0: any
  Lane lane = Lane::data;
  std::uint16_t shard = 0;
  std::uint16_t shard_count = 1;

  std::array<LaneLimits, lane_count> lanes = {default_lane_limits(Lane::control),
                                              default_lane_limits(Lane::data),
                                              default_lane_limits(Lane::bulk)};
  msgpack::Limits envelope;  // decoding limits

  // Bounds on what this side holds.
  std::uint32_t requests_outstanding_max = 4096;           // sent and not answered yet
  std::uint64_t reply_bytes_outstanding_max = 256u << 20;  // sum of their reply_bytes_max
  std::uint64_t queue_bytes_max = 8u << 20;                // waiting for credit
  std::uint32_t queue_messages_max = 4096;
  std::uint64_t stream_bytes_max = 128u << 20;     // of large messages on their way out
  std::uint32_t streams_max = 64;                  // chunked messages under way, each direction
  std::uint32_t control_frames_max = 1024;         // control frames a peer may send in a burst
  std::uint32_t control_frames_per_second = 1000;  // and beyond it when nothing else moves

  // Transformations.
  std::uint32_t compress_threshold_bytes = 0;  // 0: never compress (always able to decompress)
  EncryptionMode encryption = EncryptionMode::off;
  Bytes node_secret;              // shared by nodes; at least 16 bytes when encryption is not off
  Bytes client_secret;            // shared by nodes and clients
  std::array<char, 32> random{};  // fresh for every connection, from a cryptographic source

  Duration handshake_timeout = std::chrono::seconds(5);  // from start() to established()
  Duration frame_timeout = std::chrono::seconds(10);     // from a frame's first byte to its last
  Duration stream_timeout = std::chrono::seconds(60);    // between two chunks of a message
  Duration idle_timeout{};                               // nothing received at all; 0: never
};

}  // namespace grey::protocol
