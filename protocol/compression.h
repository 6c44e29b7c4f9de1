// LZ4 blocks with the raw length (u32) in front: what a Compressed payload holds.
#pragma once
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"

namespace grey::protocol {

/// Compresses into `out` (replaced). False, with `out` unspecified, if that would not save at least
/// an eighth: then the message is better sent as it is.
bool compress(ByteView raw, Bytes& out);

/// The reverse, into `out` (replaced). Nothing is allocated before the claimed raw length has been
/// checked against `raw_bytes_max` (decompressed_too_large) and against what LZ4 can make of this
/// many bytes (decompression_failed).
ErrorCode decompress(ByteView payload, std::size_t raw_bytes_max, Bytes& out);

}  // namespace grey::protocol
