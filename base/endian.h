// Big-endian (network order) loads and stores at unaligned addresses.
#pragma once
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>

namespace grey {

template <std::unsigned_integral T>
constexpr T byte_order_swap_to_big(T value) noexcept {
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) {
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
  }
  return value;
}

template <std::unsigned_integral T>
T load_be(const void* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return byte_order_swap_to_big(value);
}

template <std::unsigned_integral T>
void store_be(void* to, T value) noexcept {
  value = byte_order_swap_to_big(value);
  std::memcpy(to, &value, sizeof value);
}

template <std::unsigned_integral T>
void append_be(std::string& to, T value) {
  char raw[sizeof(T)];
  store_be(raw, value);
  to.append(raw, sizeof raw);
}

}  // namespace grey
