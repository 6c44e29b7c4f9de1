#include "base/hash.h"

#include <isa-l/crc.h>
#include <zlib.h>

// The library's build dispatches on the CPU at run time; header-only XXH3 would be compiled for the
// x86-64 baseline and run 11 times slower.
#include <xxhash.h>

namespace grey {

std::uint64_t xxh3_64(ByteView bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 xxh3_128(ByteView bytes) noexcept {
  const XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
  return {h.high64, h.low64};
}

std::uint32_t crc32(std::uint32_t crc, ByteView bytes) noexcept {
  return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::uint32_t crc32_reference(std::uint32_t crc, ByteView bytes) noexcept {
  return static_cast<std::uint32_t>(
      ::crc32_z(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

}  // namespace grey
