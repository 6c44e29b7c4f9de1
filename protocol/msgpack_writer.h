// Writes MessagePack, always in the shortest form. Two levels: put_* functions that write to a
// place with enough room and return its new end (for envelopes on the stack), and Writer, which
// appends to a byte string (for bodies). Neither can fail.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/bytes.h"
#include "base/endian.h"

namespace grey::msgpack {

/// No header (tag and size, or tag and number) is longer.
inline constexpr std::size_t header_bytes_max = 9;

template <typename T>
inline char* put_tagged(char* to, unsigned char tag, T value) noexcept {
  *to = static_cast<char>(tag);
  store_be(to + 1, value);
  return to + 1 + sizeof(T);
}
inline char* put_nil(char* to) noexcept {
  *to = static_cast<char>(0xc0);
  return to + 1;
}
inline char* put_bool(char* to, bool value) noexcept {
  *to = static_cast<char>(value ? 0xc3 : 0xc2);
  return to + 1;
}
inline char* put_uint(char* to, std::uint64_t value) noexcept {
  if (value < 0x80) {
    *to = static_cast<char>(value);
    return to + 1;
  }
  if (value <= 0xff) return put_tagged(to, 0xcc, static_cast<std::uint8_t>(value));
  if (value <= 0xffff) return put_tagged(to, 0xcd, static_cast<std::uint16_t>(value));
  if (value <= 0xffffffff) return put_tagged(to, 0xce, static_cast<std::uint32_t>(value));
  return put_tagged(to, 0xcf, value);
}
inline char* put_int(char* to, std::int64_t value) noexcept {
  if (value >= 0) return put_uint(to, static_cast<std::uint64_t>(value));
  if (value >= -32) {
    *to = static_cast<char>(value);
    return to + 1;
  }
  if (value >= INT8_MIN) return put_tagged(to, 0xd0, static_cast<std::uint8_t>(value));
  if (value >= INT16_MIN) return put_tagged(to, 0xd1, static_cast<std::uint16_t>(value));
  if (value >= INT32_MIN) return put_tagged(to, 0xd2, static_cast<std::uint32_t>(value));
  return put_tagged(to, 0xd3, static_cast<std::uint64_t>(value));
}
inline char* put_double(char* to, double value) noexcept {
  return put_tagged(to, 0xcb, std::bit_cast<std::uint64_t>(value));
}
inline char* put_str_header(char* to, std::uint32_t size) noexcept {
  if (size < 32) {
    *to = static_cast<char>(0xa0 | size);
    return to + 1;
  }
  if (size <= 0xff) return put_tagged(to, 0xd9, static_cast<std::uint8_t>(size));
  if (size <= 0xffff) return put_tagged(to, 0xda, static_cast<std::uint16_t>(size));
  return put_tagged(to, 0xdb, size);
}
inline char* put_bin_header(char* to, std::uint32_t size) noexcept {
  if (size <= 0xff) return put_tagged(to, 0xc4, static_cast<std::uint8_t>(size));
  if (size <= 0xffff) return put_tagged(to, 0xc5, static_cast<std::uint16_t>(size));
  return put_tagged(to, 0xc6, size);
}
inline char* put_array_header(char* to, std::uint32_t count) noexcept {
  if (count < 16) {
    *to = static_cast<char>(0x90 | count);
    return to + 1;
  }
  if (count <= 0xffff) return put_tagged(to, 0xdc, static_cast<std::uint16_t>(count));
  return put_tagged(to, 0xdd, count);
}
inline char* put_map_header(char* to, std::uint32_t count) noexcept {
  if (count < 16) {
    *to = static_cast<char>(0x80 | count);
    return to + 1;
  }
  if (count <= 0xffff) return put_tagged(to, 0xde, static_cast<std::uint16_t>(count));
  return put_tagged(to, 0xdf, count);
}
inline char* put_raw(char* to, ByteView bytes) noexcept {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}
inline char* put_str(char* to, std::string_view text) noexcept {
  return put_raw(put_str_header(to, static_cast<std::uint32_t>(text.size())), text);
}
inline char* put_bin(char* to, ByteView bytes) noexcept {
  return put_raw(put_bin_header(to, static_cast<std::uint32_t>(bytes.size())), bytes);
}

/// Appends to a byte string that the caller owns (and reuses, to allocate nothing). Sizes and
/// counts are below 2^32.
class Writer {
 public:
  explicit Writer(Bytes& out) noexcept : out_(out) {}

  Writer& nil() {
    return append([](char* to) { return put_nil(to); });
  }
  Writer& boolean(bool v) {
    return append([=](char* to) { return put_bool(to, v); });
  }
  Writer& uint(std::uint64_t v) {
    return append([=](char* to) { return put_uint(to, v); });
  }
  Writer& integer(std::int64_t v) {
    return append([=](char* to) { return put_int(to, v); });
  }
  Writer& real(double v) {
    return append([=](char* to) { return put_double(to, v); });
  }
  Writer& array(std::size_t count) {
    return append(
        [=](char* to) { return put_array_header(to, static_cast<std::uint32_t>(count)); });
  }
  Writer& map(std::size_t count) {
    return append([=](char* to) { return put_map_header(to, static_cast<std::uint32_t>(count)); });
  }
  Writer& str(std::string_view v) {
    append([&](char* to) { return put_str_header(to, static_cast<std::uint32_t>(v.size())); });
    return raw(v);
  }
  Writer& bin(ByteView v) {
    bin_header(v.size());
    return raw(v);
  }
  /// Only the header of a binary whose bytes travel separately (protocol::Body::value).
  Writer& bin_header(std::size_t size) {
    return append([=](char* to) { return put_bin_header(to, static_cast<std::uint32_t>(size)); });
  }
  /// Bytes that are encoded already.
  Writer& raw(ByteView v) {
    out_.append(v);
    return *this;
  }

 private:
  template <typename Put>
  Writer& append(Put put) {
    char header[header_bytes_max];
    out_.append(header, static_cast<std::size_t>(put(header) - header));
    return *this;
  }
  Bytes& out_;
};

}  // namespace grey::msgpack
