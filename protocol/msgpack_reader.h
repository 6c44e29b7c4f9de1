// A pull reader for MessagePack over bytes that are already there. It allocates nothing, checks
// every claimed size against what is left and against the limits before using it, and accepts any
// width of integer that fits the asked type. Extension types are refused: Grey uses none.
//
// Errors stick: after the first one every read returns zero or empty, so that a decoder can read
// all fields and look at error() once. Values are views into the input.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace grey::msgpack {

struct Limits {
  std::uint32_t depth_max =
      16;  // nesting of (non-empty) arrays and maps; at most Reader::depth_cap
  std::uint32_t elements_max = 1u << 16;  // values in all, containers included
  std::uint32_t str_bytes_max = 64u << 10;
  std::uint32_t bin_bytes_max = 64u << 20;
};

class Reader {
 public:
  static constexpr std::uint32_t depth_cap = 32;

  explicit Reader(ByteView input, const Limits& limits = {}) noexcept
      : at_(input.data()), end_(input.data() + input.size()), limits_(limits) {}

  /// An unsigned integer of at most `max`; larger or negative is bad_envelope.
  std::uint64_t read_uint(std::uint64_t max = ~0ull) noexcept;
  std::int64_t read_int() noexcept;
  bool read_bool() noexcept;
  double read_double() noexcept;
  /// A string or binary of at most `size_max` bytes (and the limits); longer is
  /// envelope_value_too_large.
  std::string_view read_str(std::size_t size_max = ~std::size_t{0}) noexcept;
  ByteView read_bin(std::size_t size_max = ~std::size_t{0}) noexcept;
  /// A binary of exactly `size` bytes; another size is bad_envelope.
  ByteView read_bin_exactly(std::size_t size) noexcept;
  /// The number of elements (of pairs, for a map), of which each takes at least one byte of the
  /// rest: a larger claim is bad_envelope.
  std::uint32_t read_array() noexcept;
  std::uint32_t read_map() noexcept;
  /// An array of at least `count_min` elements; the caller skips what it does not know.
  std::uint32_t read_array_at_least(std::uint32_t count_min) noexcept;
  /// Consumes a nil if one is next.
  bool try_nil() noexcept;
  /// Passes over one whole value, however nested, and returns its bytes.
  ByteView skip() noexcept;

  /// Makes the reader fail, for a decoder that does not like a value it has read.
  void reject(ErrorCode code = ErrorCode::bad_envelope) noexcept { set_error(code); }

  bool ok() const noexcept { return error_ == ErrorCode::ok; }
  ErrorCode error() const noexcept { return error_; }
  bool at_end() const noexcept { return at_ == end_; }
  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  /// What has not been read yet.
  ByteView rest() const noexcept { return {at_, left()}; }

 private:
  bool take_tag(unsigned char& tag) noexcept;
  std::uint64_t take_be(std::size_t width) noexcept;
  ByteView take_bytes(std::uint64_t size, std::uint64_t size_max) noexcept;
  std::uint32_t take_count(std::uint64_t count, std::uint64_t bytes_each) noexcept;
  std::uint64_t pass_over(unsigned char tag) noexcept;
  void set_error(ErrorCode code) noexcept;

  const char* at_;
  const char* end_;
  Limits limits_;
  std::uint32_t elements_ = 0;
  ErrorCode error_ = ErrorCode::ok;
};

}  // namespace grey::msgpack
