// Hashes and checksums: XXH3 for placement and integrity at rest, CRC-32 (IEEE 802.3, as zlib's)
// for frames. None of them resists an adversary.
#pragma once
#include <compare>
#include <cstdint>

#include "base/bytes.h"

namespace grey {

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

std::uint64_t xxh3_64(ByteView bytes, std::uint64_t seed = 0) noexcept;
Hash128 xxh3_128(ByteView bytes) noexcept;

/// Continues a CRC-32 over `bytes`; start with 0. Uses ISA-L's carry-less multiplication.
std::uint32_t crc32(std::uint32_t crc, ByteView bytes) noexcept;
/// The same by zlib: the reference that tests compare with.
std::uint32_t crc32_reference(std::uint32_t crc, ByteView bytes) noexcept;

}  // namespace grey
