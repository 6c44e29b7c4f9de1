// How nodes speak to one another: the bodies of the replica methods (docs/protocol.md has the frame
// and the envelope; docs/data-methods.md lists the methods). Layout as for the data methods:
// [[fields...], value], the value last so that it travels without a copy.
#pragma once
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "cluster/register/messages.h"
#include "protocol/data_messages.h"

namespace grey::cluster {

namespace peer_method {
inline constexpr std::uint32_t read = protocol::method::first_of_nodes;
inline constexpr std::uint32_t prepare = read + 1;
inline constexpr std::uint32_t accept = read + 2;
inline constexpr std::uint32_t prepare_range = read + 3;
inline constexpr std::uint32_t end = read + 4;
}  // namespace peer_method

/// Ballots of a higher round are malformed: a range that has promised one could not be outbid. The
/// windows of clients end at half of it (protocol::limit::round_end), so that nodes have room above
/// them.
inline constexpr std::uint64_t peer_round_end = 1ull << 63;

std::uint32_t method_of(const ReplicaRequest& request) noexcept;

/// Appends everything up to the value's bytes to `head`; the value to send behind it comes back.
SharedBytes encode_peer_request(const ReplicaRequest& request, Bytes& head);
SharedBytes encode_peer_reply(const ReplicaReply& reply, Bytes& head);

/// The value is copied. Fails with bad_request for anything malformed.
Result<ReplicaRequest> decode_peer_request(std::uint32_t method, ByteView body,
                                           const protocol::DataLimits& limits);
/// Fails with bad_envelope for anything malformed.
Result<ReplicaReply> decode_peer_reply(ByteView body);

}  // namespace grey::cluster
