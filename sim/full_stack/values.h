// Written values as bytes: a number, and filling that follows from it, so that a value that was
// damaged or mixed up anywhere on its way is noticed. Most are small, some span frames, a few
// travel in chunks.
#pragma once
#include <charconv>
#include <optional>

#include "base/bytes.h"
#include "base/hash.h"
#include "sim/history.h"

namespace grey::sim::full_stack {

/// Of a hundred values, so many have up to 20 KB and so many up to 400 KB; the rest are small.
struct ValueSizes {
  std::uint32_t medium_percent = 0;
  std::uint32_t large_percent = 0;
};

inline Bytes text_of(ValueNumber value, const ValueSizes& sizes) {
  Bytes text = std::to_string(value);
  const std::uint64_t lot = xxh3_64(text);
  const std::uint64_t percentile = lot % 100;
  const std::uint64_t size_max = percentile < sizes.large_percent                          ? 400'000
                                 : percentile < sizes.large_percent + sizes.medium_percent ? 20'000
                                                                                           : 64;
  const std::size_t filling = (lot >> 8) % size_max;
  text.reserve(text.size() + 1 + filling);
  text += ':';
  for (std::size_t i = 0; i < filling; ++i) text += static_cast<char>(lot >> (i % 56));
  return text;
}

/// Empty if these are not exactly the bytes of any value.
inline std::optional<ValueNumber> number_of(ByteView text, const ValueSizes& sizes) {
  ValueNumber value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return {};
  if (text != text_of(value, sizes)) return {};
  return value;
}

}  // namespace grey::sim::full_stack
