// The envelopes of Grey Protocol v2: what a frame's payload says once it is decrypted and
// decompressed. Each is one MessagePack array [kind, ...]; elements after the ones listed here are
// ignored, so that later versions can add some.
//
// Decoded messages are views into the payload and live as long as it does. Decoding checks every
// limit before it uses a size, allocates nothing (the handshake excepted), and names what is wrong:
// bad_envelope, envelope_too_deep, envelope_too_many_elements, envelope_value_too_large.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "protocol/msgpack_reader.h"

namespace grey::protocol {

enum class Kind : std::uint8_t {
  hello = 1,
  hello_ack = 2,
  ping = 3,
  pong = 4,
  credit = 5,
  cancel = 6,
  goaway = 7,
  error = 8,
  request = 16,
  response = 17,
  oneway = 18,
  chunk = 19,
};
/// Control kinds need no credit.
constexpr bool is_control(Kind kind) noexcept { return kind <= Kind::error; }

/// Each lane of a peer (and shard) is a connection of its own.
enum class Lane : std::uint8_t { control = 0, data = 1, bulk = 2 };
inline constexpr std::size_t lane_count = 3;
std::string_view lane_name(Lane lane) noexcept;

enum class PeerRole : std::uint8_t { node = 1, client = 2 };
enum class EncryptionMode : std::uint8_t { off = 0, offered = 1, required = 2 };

namespace limit {
inline constexpr std::size_t handshake_payload_bytes = 4096;
inline constexpr std::size_t cluster_id_bytes = 64;
inline constexpr std::size_t tenant_bytes = 64;
inline constexpr std::size_t detail_bytes = 256;    // longer details are cut by the sender
inline constexpr std::size_t baggage_bytes = 1024;  // encoded map
/// A value of 64 MiB and the envelope around it.
inline constexpr std::uint64_t message_bytes = (64ull << 20) + (64u << 10);
/// Replies of this envelope size are always allowed, whatever the request said.
inline constexpr std::uint32_t reply_bytes_min = 512;
/// What an envelope may need before its body, at most.
inline constexpr std::size_t envelope_head_bytes = 2048;
}  // namespace limit

namespace feature {
inline constexpr std::uint64_t lz4 = 1 << 0;  // "I can decode Compressed frames"
}

/// HELLO and HELLO_ACK:
/// [kind, version_min, version_max, cluster id str, role, node id, client id bin16, incarnation,
///  target node id, topology hash, lane, shard, shard count, features, encryption,
///  payload_bytes_max, message_bytes_max, credit_bytes, credit_messages, random bin32]
struct Hello {
  std::uint16_t version_min = 2;
  std::uint16_t version_max = 2;
  Bytes cluster_id{};
  PeerRole role = PeerRole::node;
  NodeId node_id = 0;    // 0 for clients
  ClientId client_id{};  // zero for nodes
  std::uint64_t incarnation = 0;
  NodeId target = 0;                // the node that the sender means to talk to; 0: any
  std::uint64_t topology_hash = 0;  // 0: not known yet
  Lane lane = Lane::data;
  std::uint16_t shard = 0;
  std::uint16_t shard_count = 1;
  std::uint64_t features = 0;
  EncryptionMode encryption = EncryptionMode::off;
  std::uint32_t payload_bytes_max = 0;  // largest frame payload that the sender accepts
  std::uint64_t message_bytes_max = 0;  // largest chunked message that the sender accepts
  std::uint64_t credit_bytes = 0;       // initial credit that the sender grants
  std::uint64_t credit_messages = 0;
  std::array<char, 32> random{};
};

/// PING [kind, nonce], PONG [kind, nonce].
struct Ping {
  std::uint64_t nonce = 0;
};

/// CREDIT [kind, bytes, messages]: totals since the connection began that the receiver of this
/// message may have sent.
struct Credit {
  std::uint64_t bytes_total = 0;
  std::uint64_t messages_total = 0;
};

/// CANCEL [kind, what, id, code].
struct Cancel {
  enum class What : std::uint8_t {
    request = 0,  // from the requester: the answer is no longer wanted
    stream = 1,   // from the receiver of CHUNKs: the rest of this stream will be discarded
  };
  What what = What::request;
  std::uint64_t id = 0;
  ErrorCode code = ErrorCode::cancelled;
};

/// GOAWAY [kind, code, detail]: the sender accepts no further requests on this connection.
struct GoAway {
  ErrorCode code = ErrorCode::shutting_down;
  std::string_view detail{};
};

/// ERROR [kind, code, detail]: the sender's last frame.
struct ErrorMessage {
  ErrorCode code = ErrorCode::ok;
  std::string_view detail{};
};

/// [trace id bin16, span id, parent span id, baggage map].
struct TraceContext {
  std::uint64_t trace_id_high = 0;
  std::uint64_t trace_id_low = 0;
  std::uint64_t span_id = 0;
  std::uint64_t parent_span_id = 0;
  ByteView baggage{};  // an encoded MessagePack map of strings to strings; empty means an empty map
  explicit operator bool() const noexcept { return trace_id_high != 0 || trace_id_low != 0; }
};

/// REQUEST [kind, request id, method, deadline_ms, reply_bytes_max, tenant, trace or nil,
///          idempotency or nil, body]
struct RequestView {
  std::uint64_t request_id = 0;
  std::uint32_t method = 0;
  std::uint32_t deadline_ms = 0;  // what remained when it was sent; 0: it has expired
  std::uint32_t reply_bytes_max = 0;
  ByteView tenant{};
  TraceContext trace{};
  OperationId idempotency{};
  bool priority = false;
  ByteView body{};  // one encoded MessagePack value
};

/// RESPONSE [kind, request id, error code, detail, retry_after_ms, body]
struct ResponseView {
  std::uint64_t request_id = 0;
  ErrorCode code = ErrorCode::ok;
  std::string_view detail{};
  std::uint32_t retry_after_ms = 0;
  ByteView body{};
};

/// ONEWAY [kind, method, tenant, trace or nil, body]
struct OnewayView {
  std::uint32_t method = 0;
  ByteView tenant{};
  TraceContext trace{};
  bool priority = false;
  ByteView body{};
};

/// CHUNK [kind, stream id, index, total bytes, message kind, request id, data bin]. Total, kind and
/// request id (0 for ONEWAY) are the same in every chunk of a stream.
struct ChunkView {
  std::uint64_t stream_id = 0;
  std::uint64_t index = 0;
  std::uint64_t total_bytes = 0;
  Kind message_kind = Kind::request;
  std::uint64_t request_id = 0;
  ByteView data{};
};

/// The kind of an envelope, read from its first bytes. bad_envelope, or unexpected_message for a
/// number that names none.
ErrorCode decode_kind(ByteView payload, Kind& out) noexcept;

Result<Hello> decode_hello(ByteView payload, Kind expected, const msgpack::Limits& limits);
ErrorCode decode(ByteView payload, const msgpack::Limits& limits, Ping& out) noexcept;
ErrorCode decode(ByteView payload, const msgpack::Limits& limits, Credit& out) noexcept;
ErrorCode decode(ByteView payload, const msgpack::Limits& limits, Cancel& out) noexcept;
ErrorCode decode(ByteView payload, const msgpack::Limits& limits, GoAway& out) noexcept;
ErrorCode decode(ByteView payload, const msgpack::Limits& limits, ErrorMessage& out) noexcept;
ErrorCode decode(ByteView payload, const msgpack::Limits& limits, RequestView& out) noexcept;
ErrorCode decode(ByteView payload, const msgpack::Limits& limits, ResponseView& out) noexcept;
ErrorCode decode(ByteView payload, const msgpack::Limits& limits, OnewayView& out) noexcept;
ErrorCode decode(ByteView payload, const msgpack::Limits& limits, ChunkView& out) noexcept;

// Encoders write everything up to the body (for CHUNK: up to the data's bytes) into `to`, which has
// room for limit::envelope_head_bytes, and return the end. Strings beyond their limit are cut.
char* encode_hello(const Hello& hello, Kind kind, char* to) noexcept;
char* encode_ping(Kind kind, const Ping& ping, char* to) noexcept;
char* encode(const Credit& credit, char* to) noexcept;
char* encode(const Cancel& cancel, char* to) noexcept;
char* encode(const GoAway& goaway, char* to) noexcept;
char* encode(const ErrorMessage& error, char* to) noexcept;
char* encode_head(const RequestView& request, char* to) noexcept;
char* encode_head(const ResponseView& response, char* to) noexcept;
char* encode_head(const OnewayView& oneway, char* to) noexcept;
/// `data_bytes` is the size of the data that follows; chunk.data is not looked at.
char* encode_head(const ChunkView& chunk, std::size_t data_bytes, char* to) noexcept;
/// Where in an encoded REQUEST head its deadline_ms (4 bytes, big-endian) lies, so that a queued
/// request can be sent with what remains.
std::size_t request_deadline_offset(std::uint64_t request_id, std::uint32_t method) noexcept;

}  // namespace grey::protocol
