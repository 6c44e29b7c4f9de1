// What the crash test's child commits as its n-th batch, and what its parent expects to find.
#pragma once
#include <cstdint>
#include <cstdio>

#include "storage/engine.h"

namespace grey::storage {

inline Bytes crash_key(std::uint32_t number, int part) {
  char text[32];
  std::snprintf(text, sizeof text, "n%010u.%d", number, part);
  return text;
}

inline Bytes crash_value(std::uint32_t number, int part) {
  // Of very different sizes, so that batches begin and end anywhere in the log's blocks.
  return Bytes((number * 37 + static_cast<std::uint32_t>(part) * 911) % 3000,
               static_cast<char>('a' + number % 26));
}

inline constexpr int crash_parts = 3;

inline WriteBatch crash_batch(std::uint32_t number) {
  WriteBatch batch;
  for (int part = 0; part < crash_parts; ++part) {
    batch.put(crash_key(number, part), crash_value(number, part));
  }
  return batch;
}

}  // namespace grey::storage
