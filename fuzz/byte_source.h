// Reads decisions from a fuzzer's input. When it is used up, everything is zero.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace grey::fuzz {

class ByteSource {
 public:
  ByteSource(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  bool flag() { return (byte() & 1) != 0; }
  std::uint32_t below(std::uint32_t bound) {
    const std::uint32_t wide = static_cast<std::uint32_t>(byte()) << 8 | byte();
    return bound <= 256 ? (wide & 0xff) % bound : wide % bound;
  }
  ByteView take(std::size_t size) {
    const ByteView taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  ByteView rest() { return take(rest_.size()); }

 private:
  ByteView rest_;
};

}  // namespace grey::fuzz
