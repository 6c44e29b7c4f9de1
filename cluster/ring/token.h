// Where a key lives: its token, a point on the ring of 64-bit numbers. Keys whose partition keys
// are equal share a token and so a replica set; that is how related keys are kept together.
//
// The mapping is part of the disk format (records are stored in token order) and of the protocol
// (clients route by it): it never changes, and golden values in the tests pin it.
#pragma once
#include <cstdint>

#include "base/bytes.h"

namespace grey::cluster {

/// A point on the ring, which closes from 2^64 - 1 to 0.
using Token = std::uint64_t;

/// The part of a key that places it: what stands between the first `{` and the next `}` after it,
/// if that is at least one byte, otherwise the whole key (as Redis Cluster's hash tags). A view
/// into `key`.
ByteView partition_key(ByteView key) noexcept;

/// XXH3-64 of: the tenant's length (32 bits, big-endian), the tenant, the key's partition key. The
/// length keeps ("ab", "c") apart from ("a", "bc"). Does not allocate for names within the default
/// limits.
Token token_of(ByteView tenant, ByteView key);

}  // namespace grey::cluster
