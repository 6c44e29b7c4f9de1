// The methods that clients call on nodes, and the bodies of their requests and replies
// (docs/data-methods.md). The tenant, the deadline and the error code travel in the REQUEST and
// RESPONSE envelopes; what is here is the rest.
//
// A body is one array [fields, value]: `fields` is an array that later versions may lengthen, the
// value a binary that comes last so that it can be sent without a copy. Encoders append everything
// up to the value's bytes to `head` (use it as protocol::Body::head and the value as Body::value).
// Bodies without a value are [fields].
//
// Decoders take anything: they check every size against the limits before they use it, allocate
// nothing (cluster_info and status excepted) and return views into the body. A request that does
// not decode gets bad_request, key_too_large or value_too_large; a reply gets bad_envelope.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"

namespace grey::protocol {

/// Numbers of methods; those from 64 on belong to nodes among themselves.
namespace method {
inline constexpr std::uint32_t cluster_info = 1;
inline constexpr std::uint32_t status = 2;
inline constexpr std::uint32_t get = 16;
inline constexpr std::uint32_t put = 17;
inline constexpr std::uint32_t remove = 18;
inline constexpr std::uint32_t cas = 19;
inline constexpr std::uint32_t resolve = 20;
inline constexpr std::uint32_t first_of_nodes = 64;
}  // namespace method

namespace limit {
inline constexpr std::size_t key_bytes = 4096;
inline constexpr std::size_t value_bytes = 64u << 20;
inline constexpr std::size_t value_bytes_default = 1u << 20;
/// What a data body may need besides key and values, at most.
inline constexpr std::size_t data_overhead_bytes = 256;
/// Ballot rounds on the wire stay below this, so that going above one never overflows.
inline constexpr std::uint64_t round_end = 1ull << 62;
}  // namespace limit

/// What this side lets through; a node's comes from its configuration.
struct DataLimits {
  std::size_t key_bytes_max = limit::key_bytes;
  std::size_t value_bytes_max = limit::value_bytes;
};

/// cluster::Ballot as it travels: [epoch, round, node, incarnation, sequence].
struct WireBallot {
  std::uint64_t epoch = 0;
  std::uint64_t round = 0;
  NodeId node = 0;
  std::uint64_t incarnation = 0;
  std::uint64_t sequence = 0;
  friend auto operator<=>(const WireBallot&, const WireBallot&) = default;
};

/// cluster::BallotWindow as it travels: [epoch, low, round_high]. Refused if no ballot can lie in
/// it.
struct WireWindow {
  std::uint64_t epoch = 0;
  WireBallot low;
  std::uint64_t round_high = 0;
  friend bool operator==(const WireWindow&, const WireWindow&) = default;
};

/// What a node tells of the key's range with every data reply, for the client's next window.
struct WireHint {
  std::uint64_t round_seen = 0;
  std::optional<WireBallot> home;  // the latest ballot of the range's home, if known
  friend bool operator==(const WireHint&, const WireHint&) = default;
};

/// How many replicas an answer needs.
enum class Level : std::uint8_t { majority = 0 };

/// [[key, level]]
struct GetRequest {
  ByteView key = {};
  Level level = Level::majority;
};

/// [[key, operation, window], value]
struct PutRequest {
  ByteView key = {};
  OperationId operation = {};
  WireWindow window = {};
  ByteView value = {};  // an encoder looks at its size only
};

/// [[key, operation, window]]: REMOVE, and RESOLVE of such an operation.
struct RemoveRequest {
  ByteView key = {};
  OperationId operation = {};
  WireWindow window = {};
};
using ResolveRequest = RemoveRequest;

/// [[key, operation, window, expectation, nil | value | version, removes], new value]
struct CasRequest {
  enum class Expect : std::uint8_t { absent = 0, value = 1, version = 2 };
  ByteView key = {};
  OperationId operation = {};
  WireWindow window = {};
  Expect expect = Expect::absent;
  ByteView expected_value = {};
  OperationId expected_version = {};
  bool removes = false;  // the new state is "absent"; the new value is empty then
  ByteView value = {};   // an encoder looks at its size only
};

/// GET's answer with code ok: [[hint, version], value]. Any other code has a WriteReply.
struct GetReply {
  WireHint hint = {};
  OperationId version = {};  // the operation that wrote the value
  ByteView value = {};
};

/// Every other answer to GET, PUT, REMOVE, CAS and RESOLVE, whatever its code: [[hint, version]].
/// `version` is what the key holds as far as the answer knows: after an applied write its
/// operation, with precondition_failed what stood in the way; none if the key holds no value or
/// that is not known.
struct WriteReply {
  WireHint hint = {};
  OperationId version = {};
};

/// RESOLVE's answer with code ok: [[hint, outcome]].
struct ResolveReply {
  enum class Outcome : std::uint8_t {
    applied = 0,
    never = 1,  // not applied, and it never will be
    unknown = 2
  };
  WireHint hint = {};
  Outcome outcome = Outcome::unknown;
};

struct WireNode {
  NodeId id = 0;
  std::string endpoint;
  std::string rack;
  std::string zone;
  friend bool operator==(const WireNode&, const WireNode&) = default;
};

/// CLUSTER_INFO's answer; its request has no fields. All that a client needs to find keys and
/// choose windows: [[epoch, cluster id, replication factor, virtual nodes,
/// [[id, endpoint, rack, zone]...], self, round seen, value limit, server version]].
struct ClusterInfo {
  std::uint64_t epoch = 0;
  std::string cluster_id;
  std::uint32_t replication_factor = 0;
  std::uint32_t virtual_nodes = 0;
  std::vector<WireNode> nodes;
  NodeId self = 0;                    // who answers
  std::uint64_t round_seen = 0;       // the highest round it knows of anywhere
  std::uint64_t value_bytes_max = 0;  // what it accepts
  std::string server_version;
  friend bool operator==(const ClusterInfo&, const ClusterInfo&) = default;
};

// Encoders append to `head` what precedes the value's bytes.
void encode_head(const GetRequest& request, Bytes& head);
void encode_head(const PutRequest& request, Bytes& head);
void encode_head(const RemoveRequest& request, Bytes& head);
void encode_head(const CasRequest& request, Bytes& head);
void encode_head(const GetReply& reply, Bytes& head);  // reply.value: its size only
void encode_head(const WriteReply& reply, Bytes& head);
void encode_head(const ResolveReply& reply, Bytes& head);
void encode_head(const ClusterInfo& info, Bytes& head);

ErrorCode decode(ByteView body, const DataLimits& limits, GetRequest& out) noexcept;
ErrorCode decode(ByteView body, const DataLimits& limits, PutRequest& out) noexcept;
ErrorCode decode(ByteView body, const DataLimits& limits, RemoveRequest& out) noexcept;
ErrorCode decode(ByteView body, const DataLimits& limits, CasRequest& out) noexcept;
ErrorCode decode(ByteView body, const DataLimits& limits, GetReply& out) noexcept;
/// A nil body decodes to a reply without a hint: errors of the rpc layer have none.
ErrorCode decode(ByteView body, WriteReply& out) noexcept;
ErrorCode decode(ByteView body, ResolveReply& out) noexcept;
Result<ClusterInfo> decode_cluster_info(ByteView body);

}  // namespace grey::protocol
