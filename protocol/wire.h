// The frame of Grey Protocol v2: the one place where its layout is stated. Everything else
// (encoder, decoder, tests, docs/protocol.md) refers to these constants. All integers are
// big-endian.
//
// A frame is never trusted piecemeal: validate_header() checks magic, version, flags, message id
// and length, in that order, before the length is used for anything; the checksum covers header and
// payload as they are on the wire.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace grey::protocol {

/// The header as it lies on the wire. Byte arrays only, so that it has no alignment or padding.
struct WireHeader {
  unsigned char magic[4];
  unsigned char version[2];
  unsigned char flags[2];
  unsigned char message_id[8];
  unsigned char timestamp_ns[8];
  unsigned char payload_bytes[4];
};
inline constexpr std::size_t header_bytes = 28;
inline constexpr std::size_t crc_bytes = 4;
inline constexpr std::size_t frame_overhead_bytes = header_bytes + crc_bytes;
static_assert(sizeof(WireHeader) == header_bytes);
static_assert(offsetof(WireHeader, magic) == 0);
static_assert(offsetof(WireHeader, version) == 4);
static_assert(offsetof(WireHeader, flags) == 6);
static_assert(offsetof(WireHeader, message_id) == 8);
static_assert(offsetof(WireHeader, timestamp_ns) == 16);
static_assert(offsetof(WireHeader, payload_bytes) == 24);

inline constexpr std::string_view frame_magic = "GREY";
inline constexpr std::uint16_t protocol_version = 2;

namespace flag {
inline constexpr std::uint16_t compressed = 1 << 0;
inline constexpr std::uint16_t encrypted = 1 << 1;
inline constexpr std::uint16_t priority = 1 << 2;
inline constexpr std::uint16_t idempotent = 1 << 3;
inline constexpr std::uint16_t all = compressed | encrypted | priority | idempotent;
}  // namespace flag

/// A header's fields in host order. The magic is implied.
struct FrameHeader {
  std::uint16_t version = protocol_version;
  std::uint16_t flags = 0;
  std::uint64_t message_id = 0;
  std::uint64_t timestamp_ns = 0;
  std::uint32_t payload_bytes = 0;
};

/// What the next frame of a direction has to satisfy.
struct FrameRules {
  std::uint64_t message_id = 1;         // exactly this
  std::uint16_t flags_allowed = 0;      // no other bit set
  std::uint16_t flags_required = 0;     // each of these set
  std::uint32_t payload_bytes_max = 0;  // the lane's cap
};

/// Writes header_bytes bytes to `to`.
void encode_header(const FrameHeader& header, char* to) noexcept;
/// Reads header_bytes bytes from `from`. Checks nothing.
FrameHeader decode_header(const char* from) noexcept;
/// ok, or the first rule that the header at `from` (header_bytes bytes) breaks: bad_magic,
/// unsupported_version, unknown_flags, bad_message_id, frame_too_large.
ErrorCode validate_header(const char* from, const FrameRules& rules) noexcept;
/// False as soon as `prefix` (the first bytes of a frame, any number) cannot start with the magic.
bool magic_possible(ByteView prefix) noexcept;
/// True if the last crc_bytes bytes of `frame` are the checksum of all before them.
bool crc_matches(ByteView frame) noexcept;

}  // namespace grey::protocol
