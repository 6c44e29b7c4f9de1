#include "storage/record_frame.h"

#include <algorithm>

#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"

namespace grey::storage {
namespace {

constexpr std::size_t version_offset = 8;
static_assert(record_frame_bytes == version_offset + sizeof(std::uint16_t));

std::uint64_t checksum(std::uint16_t version, ByteView key, ByteView payload) {
  return xxh3_64(payload, xxh3_64(key, version));
}

// A key for people: its first bytes in hexadecimal.
std::string shown(ByteView key) {
  constexpr std::size_t shown_bytes = 32;
  constexpr char digits[] = "0123456789abcdef";
  std::string text = "record at key 0x";
  for (const char c : key.substr(0, shown_bytes)) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  if (key.size() > shown_bytes) text += "...";
  return text;
}

}  // namespace

void seal_record_in_place(std::uint16_t version, ByteView key, Bytes& record) {
  GREY_CHECK(version != 0 && record.size() >= record_frame_bytes);
  store_be(record.data() + version_offset, version);
  store_be(record.data(), checksum(version, key, ByteView(record).substr(record_frame_bytes)));
}

Bytes seal_record(std::uint16_t version, ByteView key, ByteView payload) {
  Bytes record;
  record.reserve(record_frame_bytes + payload.size());
  record.resize(record_frame_bytes);
  record += payload;
  seal_record_in_place(version, key, record);
  return record;
}

Result<OpenedRecord> open_record(ByteView key, ByteView stored, std::uint16_t version_max) {
  if (stored.size() < record_frame_bytes) {
    return fail(ErrorCode::storage_corrupt,
                shown(key) + ": " + std::to_string(stored.size()) + " bytes are too few");
  }
  const auto version = load_be<std::uint16_t>(stored.data() + version_offset);
  const ByteView payload = stored.substr(record_frame_bytes);
  if (load_be<std::uint64_t>(stored.data()) != checksum(version, key, payload)) {
    return fail(ErrorCode::storage_corrupt, shown(key) + ": checksum mismatch");
  }
  if (version == 0) return fail(ErrorCode::storage_corrupt, shown(key) + ": version 0");
  if (version > version_max) {
    return fail(ErrorCode::storage_newer_format,
                shown(key) + ": format " + std::to_string(version) + ", this program knows up to " +
                    std::to_string(version_max) + "; run the version that wrote it or a newer one");
  }
  return OpenedRecord{version, payload};
}

}  // namespace grey::storage
