#include "protocol/wire.h"

#include <cstring>

#include "base/endian.h"
#include "base/hash.h"

namespace grey::protocol {
namespace {
constexpr std::size_t at_version = offsetof(WireHeader, version);
constexpr std::size_t at_flags = offsetof(WireHeader, flags);
constexpr std::size_t at_message_id = offsetof(WireHeader, message_id);
constexpr std::size_t at_timestamp = offsetof(WireHeader, timestamp_ns);
constexpr std::size_t at_payload_bytes = offsetof(WireHeader, payload_bytes);
}  // namespace

void encode_header(const FrameHeader& header, char* to) noexcept {
  std::memcpy(to, frame_magic.data(), frame_magic.size());
  store_be(to + at_version, header.version);
  store_be(to + at_flags, header.flags);
  store_be(to + at_message_id, header.message_id);
  store_be(to + at_timestamp, header.timestamp_ns);
  store_be(to + at_payload_bytes, header.payload_bytes);
}

FrameHeader decode_header(const char* from) noexcept {
  return {.version = load_be<std::uint16_t>(from + at_version),
          .flags = load_be<std::uint16_t>(from + at_flags),
          .message_id = load_be<std::uint64_t>(from + at_message_id),
          .timestamp_ns = load_be<std::uint64_t>(from + at_timestamp),
          .payload_bytes = load_be<std::uint32_t>(from + at_payload_bytes)};
}

ErrorCode validate_header(const char* from, const FrameRules& rules) noexcept {
  if (std::memcmp(from, frame_magic.data(), frame_magic.size()) != 0) return ErrorCode::bad_magic;
  const FrameHeader header = decode_header(from);
  if (header.version != protocol_version) return ErrorCode::unsupported_version;
  if ((header.flags & ~rules.flags_allowed) != 0 ||
      (header.flags & rules.flags_required) != rules.flags_required) {
    return ErrorCode::unknown_flags;
  }
  if (header.message_id != rules.message_id) return ErrorCode::bad_message_id;
  if (header.payload_bytes > rules.payload_bytes_max) return ErrorCode::frame_too_large;
  return ErrorCode::ok;
}

bool magic_possible(ByteView prefix) noexcept {
  const std::size_t n = prefix.size() < frame_magic.size() ? prefix.size() : frame_magic.size();
  return prefix.substr(0, n) == frame_magic.substr(0, n);
}

bool crc_matches(ByteView frame) noexcept {
  const ByteView covered = frame.substr(0, frame.size() - crc_bytes);
  return crc32(0, covered) == load_be<std::uint32_t>(frame.data() + covered.size());
}

}  // namespace grey::protocol
