#include "protocol/compression.h"

#include <lz4.h>

#include "base/endian.h"

namespace grey::protocol {
namespace {
constexpr std::size_t length_bytes = 4;
// An LZ4 sequence spends at least one byte for every 255 that it repeats.
constexpr std::uint64_t expansion_max = 255;
}  // namespace

bool compress(ByteView raw, Bytes& out) {
  if (raw.size() < 16 || raw.size() > LZ4_MAX_INPUT_SIZE) return false;
  const std::size_t worth_it = raw.size() - raw.size() / 8 - length_bytes;
  char* to = resize_for_overwrite(out, length_bytes + worth_it);
  const int size = LZ4_compress_default(raw.data(), to + length_bytes, static_cast<int>(raw.size()),
                                        static_cast<int>(worth_it));
  if (size <= 0) return false;
  store_be(to, static_cast<std::uint32_t>(raw.size()));
  out.resize(length_bytes + static_cast<std::size_t>(size));
  return true;
}

ErrorCode decompress(ByteView payload, std::size_t raw_bytes_max, Bytes& out) {
  if (payload.size() <= length_bytes) return ErrorCode::decompression_failed;
  const std::uint64_t raw_bytes = load_be<std::uint32_t>(payload.data());
  const ByteView block = payload.substr(length_bytes);
  if (raw_bytes > raw_bytes_max) return ErrorCode::decompressed_too_large;
  if (raw_bytes == 0 || raw_bytes > block.size() * expansion_max) {
    return ErrorCode::decompression_failed;
  }
  char* to = resize_for_overwrite(out, raw_bytes);
  const int size = LZ4_decompress_safe(block.data(), to, static_cast<int>(block.size()),
                                       static_cast<int>(raw_bytes));
  if (size < 0 || static_cast<std::uint64_t>(size) != raw_bytes) {
    return ErrorCode::decompression_failed;
  }
  return ErrorCode::ok;
}

}  // namespace grey::protocol
