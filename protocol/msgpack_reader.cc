#include "protocol/msgpack_reader.h"

#include <bit>

#include "base/endian.h"

namespace grey::msgpack {
namespace {
// Tags of the MessagePack specification that have a number of their own.
constexpr unsigned char tag_nil = 0xc0, tag_false = 0xc2, tag_true = 0xc3;
constexpr unsigned char tag_bin8 = 0xc4, tag_bin32 = 0xc6;
constexpr unsigned char tag_float32 = 0xca, tag_float64 = 0xcb;
constexpr unsigned char tag_uint8 = 0xcc, tag_uint64 = 0xcf;
constexpr unsigned char tag_int8 = 0xd0, tag_int64 = 0xd3;
constexpr unsigned char tag_str8 = 0xd9, tag_str32 = 0xdb;
constexpr unsigned char tag_array16 = 0xdc, tag_array32 = 0xdd;
constexpr unsigned char tag_map16 = 0xde, tag_map32 = 0xdf;

constexpr bool is_positive_fixint(unsigned char tag) { return tag < 0x80; }
constexpr bool is_negative_fixint(unsigned char tag) { return tag >= 0xe0; }
constexpr bool is_fixmap(unsigned char tag) { return (tag & 0xf0) == 0x80; }
constexpr bool is_fixarray(unsigned char tag) { return (tag & 0xf0) == 0x90; }
constexpr bool is_fixstr(unsigned char tag) { return (tag & 0xe0) == 0xa0; }
constexpr bool in(unsigned char tag, unsigned char low, unsigned char high) {
  return tag >= low && tag <= high;
}

std::int64_t sign_extend(std::uint64_t value, std::size_t width) {
  const int shift = static_cast<int>(64 - 8 * width);
  return static_cast<std::int64_t>(value << shift) >> shift;
}
}  // namespace

void Reader::set_error(ErrorCode code) noexcept {
  if (error_ == ErrorCode::ok) error_ = code;
  at_ = end_;
}

bool Reader::take_tag(unsigned char& tag) noexcept {
  if (at_ == end_) {
    set_error(ErrorCode::bad_envelope);
    return false;
  }
  if (++elements_ > limits_.elements_max) {
    set_error(ErrorCode::envelope_too_many_elements);
    return false;
  }
  tag = static_cast<unsigned char>(*at_++);
  return true;
}

std::uint64_t Reader::take_be(std::size_t width) noexcept {
  if (left() < width) {
    set_error(ErrorCode::bad_envelope);
    return 0;
  }
  const char* from = at_;
  at_ += width;
  switch (width) {
    case 1:
      return static_cast<unsigned char>(*from);
    case 2:
      return load_be<std::uint16_t>(from);
    case 4:
      return load_be<std::uint32_t>(from);
    default:
      return load_be<std::uint64_t>(from);
  }
}

ByteView Reader::take_bytes(std::uint64_t size, std::uint64_t size_max) noexcept {
  if (!ok()) return {};
  if (size > size_max) {
    set_error(ErrorCode::envelope_value_too_large);
    return {};
  }
  if (size > left()) {
    set_error(ErrorCode::bad_envelope);
    return {};
  }
  const ByteView bytes(at_, size);
  at_ += size;
  return bytes;
}

std::uint32_t Reader::take_count(std::uint64_t count, std::uint64_t bytes_each) noexcept {
  if (!ok()) return 0;
  if (count * bytes_each > left()) {
    set_error(ErrorCode::bad_envelope);
    return 0;
  }
  return static_cast<std::uint32_t>(count);
}

std::uint64_t Reader::read_uint(std::uint64_t max) noexcept {
  unsigned char tag;
  if (!take_tag(tag)) return 0;
  std::uint64_t value = tag;
  if (!is_positive_fixint(tag)) {
    if (in(tag, tag_uint8, tag_uint64)) {
      value = take_be(std::size_t{1} << (tag - tag_uint8));
    } else if (in(tag, tag_int8, tag_int64)) {
      const std::size_t width = std::size_t{1} << (tag - tag_int8);
      const std::int64_t number = sign_extend(take_be(width), width);
      if (number < 0) set_error(ErrorCode::bad_envelope);
      value = static_cast<std::uint64_t>(number);
    } else {
      set_error(ErrorCode::bad_envelope);
    }
  }
  if (value > max) set_error(ErrorCode::bad_envelope);
  return ok() ? value : 0;
}

std::int64_t Reader::read_int() noexcept {
  unsigned char tag;
  if (!take_tag(tag)) return 0;
  if (is_positive_fixint(tag) || is_negative_fixint(tag)) return static_cast<signed char>(tag);
  if (in(tag, tag_uint8, tag_uint64)) {
    const std::uint64_t value = take_be(std::size_t{1} << (tag - tag_uint8));
    if (value > static_cast<std::uint64_t>(INT64_MAX)) set_error(ErrorCode::bad_envelope);
    return ok() ? static_cast<std::int64_t>(value) : 0;
  }
  if (in(tag, tag_int8, tag_int64)) {
    const std::size_t width = std::size_t{1} << (tag - tag_int8);
    return sign_extend(take_be(width), width);
  }
  set_error(ErrorCode::bad_envelope);
  return 0;
}

bool Reader::read_bool() noexcept {
  unsigned char tag;
  if (!take_tag(tag)) return false;
  if (tag != tag_true && tag != tag_false) set_error(ErrorCode::bad_envelope);
  return tag == tag_true;
}

double Reader::read_double() noexcept {
  unsigned char tag;
  if (!take_tag(tag)) return 0;
  if (tag == tag_float64) return std::bit_cast<double>(take_be(8));
  if (tag == tag_float32) return std::bit_cast<float>(static_cast<std::uint32_t>(take_be(4)));
  set_error(ErrorCode::bad_envelope);
  return 0;
}

std::string_view Reader::read_str(std::size_t size_max) noexcept {
  unsigned char tag;
  if (!take_tag(tag)) return {};
  std::uint64_t size = 0;
  if (is_fixstr(tag)) {
    size = tag & 0x1f;
  } else if (in(tag, tag_str8, tag_str32)) {
    size = take_be(std::size_t{1} << (tag - tag_str8));
  } else {
    set_error(ErrorCode::bad_envelope);
  }
  return take_bytes(size, size_max < limits_.str_bytes_max ? size_max : limits_.str_bytes_max);
}

ByteView Reader::read_bin(std::size_t size_max) noexcept {
  unsigned char tag;
  if (!take_tag(tag)) return {};
  std::uint64_t size = 0;
  if (in(tag, tag_bin8, tag_bin32)) {
    size = take_be(std::size_t{1} << (tag - tag_bin8));
  } else {
    set_error(ErrorCode::bad_envelope);
  }
  return take_bytes(size, size_max < limits_.bin_bytes_max ? size_max : limits_.bin_bytes_max);
}

ByteView Reader::read_bin_exactly(std::size_t size) noexcept {
  const ByteView bytes = read_bin();
  if (ok() && bytes.size() != size) set_error(ErrorCode::bad_envelope);
  return ok() ? bytes : ByteView();
}

std::uint32_t Reader::read_array() noexcept {
  unsigned char tag;
  if (!take_tag(tag)) return 0;
  if (is_fixarray(tag)) return take_count(tag & 0x0f, 1);
  if (tag == tag_array16) return take_count(take_be(2), 1);
  if (tag == tag_array32) return take_count(take_be(4), 1);
  set_error(ErrorCode::bad_envelope);
  return 0;
}

std::uint32_t Reader::read_map() noexcept {
  unsigned char tag;
  if (!take_tag(tag)) return 0;
  if (is_fixmap(tag)) return take_count(tag & 0x0f, 2);
  if (tag == tag_map16) return take_count(take_be(2), 2);
  if (tag == tag_map32) return take_count(take_be(4), 2);
  set_error(ErrorCode::bad_envelope);
  return 0;
}

std::uint32_t Reader::read_array_at_least(std::uint32_t count_min) noexcept {
  const std::uint32_t count = read_array();
  if (ok() && count < count_min) set_error(ErrorCode::bad_envelope);
  return ok() ? count : 0;
}

bool Reader::try_nil() noexcept {
  if (at_ == end_ || static_cast<unsigned char>(*at_) != tag_nil) return false;
  unsigned char tag;
  return take_tag(tag);
}

// Passes over the value whose tag has just been taken and returns how many values it contains.
std::uint64_t Reader::pass_over(unsigned char tag) noexcept {
  if (is_positive_fixint(tag) || is_negative_fixint(tag)) return 0;
  if (is_fixstr(tag)) {
    take_bytes(tag & 0x1f, limits_.str_bytes_max);
  } else if (is_fixarray(tag)) {
    return take_count(tag & 0x0f, 1);
  } else if (is_fixmap(tag)) {
    return 2ull * take_count(tag & 0x0f, 2);
  } else if (in(tag, tag_bin8, tag_bin32)) {
    take_bytes(take_be(std::size_t{1} << (tag - tag_bin8)), limits_.bin_bytes_max);
  } else if (in(tag, tag_str8, tag_str32)) {
    take_bytes(take_be(std::size_t{1} << (tag - tag_str8)), limits_.str_bytes_max);
  } else if (in(tag, tag_uint8, tag_uint64)) {
    take_be(std::size_t{1} << (tag - tag_uint8));
  } else if (in(tag, tag_int8, tag_int64)) {
    take_be(std::size_t{1} << (tag - tag_int8));
  } else if (tag == tag_array16 || tag == tag_array32) {
    return take_count(take_be(tag == tag_array16 ? 2 : 4), 1);
  } else if (tag == tag_map16 || tag == tag_map32) {
    return 2ull * take_count(take_be(tag == tag_map16 ? 2 : 4), 2);
  } else if (tag == tag_float32 || tag == tag_float64) {
    take_be(tag == tag_float32 ? 4 : 8);
  } else if (tag != tag_nil && tag != tag_false && tag != tag_true) {
    set_error(ErrorCode::bad_envelope);  // 0xc1 and the extension types
  }
  return 0;
}

ByteView Reader::skip() noexcept {
  const char* const begin = at_;
  std::uint64_t left_at[depth_cap];  // values still to come at each open level
  std::uint32_t depth = 0;
  for (;;) {
    unsigned char tag;
    if (!take_tag(tag)) return {};
    const std::uint64_t inside = pass_over(tag);
    if (!ok()) return {};
    if (inside > 0) {
      if (depth >= limits_.depth_max || depth >= depth_cap) {
        set_error(ErrorCode::envelope_too_deep);
        return {};
      }
      left_at[depth++] = inside;
      continue;
    }
    while (depth > 0 && --left_at[depth - 1] == 0) --depth;
    if (depth == 0) return {begin, static_cast<std::size_t>(at_ - begin)};
  }
}

}  // namespace grey::msgpack
