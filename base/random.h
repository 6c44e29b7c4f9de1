// Reproducible pseudo-random numbers: xoshiro256** seeded through SplitMix64 (Blackman and Vigna,
// "Scrambled linear pseudorandom number generators", 2021). Same seed, same sequence, on every
// compiler and machine; never for secrets (those come from OpenSSL). Not thread-safe.
#pragma once
#include <array>
#include <cstdint>

#include "base/clock.h"

namespace grey {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept;

  std::uint64_t next() noexcept;
  /// Uniform in [0, bound); bound must not be 0.
  std::uint64_t below(std::uint64_t bound) noexcept;
  /// Uniform in [low, high], both included.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept;
  /// Uniform in [low, high].
  Duration between(Duration low, Duration high) noexcept;
  /// True with probability `probability` (0 to 1).
  bool chance(double probability) noexcept;
  /// Uniform in [0, 1).
  double unit() noexcept;
  /// An independent generator derived from this one.
  Random fork() noexcept { return Random(next()); }

 private:
  std::uint64_t state_[4];
};

/// A seed from the operating system, for real processes.
std::uint64_t system_seed();
/// Bytes from the operating system's cryptographic source, for secrets and nonces.
std::array<char, 32> system_random_bytes();

}  // namespace grey
