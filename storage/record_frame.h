// The envelope around every record that Grey stores: a checksum and a format version. The checksum
// covers the version, the key and the payload, so that a flipped bit, a truncation and a record
// that was written or read at the wrong place (under another key) are all noticed. A record that
// fails is *faulty*, which is not the same as absent (register.md, rule 16).
//
//   offset  size  field, integers big-endian
//        0     8  checksum: XXH3-64 of the payload, seeded with XXH3-64 of the key,
//                 which is seeded with the version
//        8     2  version of the payload's format, from 1
//       10     N  payload
//
// The envelope itself never changes; another payload format gets another version. Nested seeds
// instead of one hash over a concatenation: no copy, and no key and payload that run together
// alike.
#pragma once
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"

namespace grey::storage {

inline constexpr std::size_t record_frame_bytes = 10;

/// The stored form of `payload` under `key`. `version` is not 0.
Bytes seal_record(std::uint16_t version, ByteView key, ByteView payload);

/// The same without a copy: `record` holds the payload behind record_frame_bytes of room.
void seal_record_in_place(std::uint16_t version, ByteView key, Bytes& record);

struct OpenedRecord {
  std::uint16_t version;
  ByteView payload;  // into the bytes that were opened
};

/// Checks a stored record. storage_corrupt if it is not exactly what was sealed under `key`;
/// storage_newer_format if it is sound but its version is above `version_max`.
Result<OpenedRecord> open_record(ByteView key, ByteView stored, std::uint16_t version_max);

}  // namespace grey::storage
