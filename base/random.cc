#include "base/random.h"

#include <sys/random.h>

#include <bit>

#include "base/check.h"

namespace grey {

Random::Random(std::uint64_t seed) noexcept {
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    word = z ^ (z >> 31);
  }
}

std::uint64_t Random::next() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) noexcept {
  GREY_CHECK(bound != 0);
  // Lemire's multiply-shift; the bias of at most bound / 2^64 is irrelevant here.
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
}

std::uint64_t Random::between(std::uint64_t low, std::uint64_t high) noexcept {
  GREY_CHECK(low <= high);
  const std::uint64_t width = high - low + 1;
  return width == 0 ? next() : low + below(width);
}

Duration Random::between(Duration low, Duration high) noexcept {
  GREY_CHECK(low <= high);
  return low + Duration(static_cast<std::int64_t>(
                   below(static_cast<std::uint64_t>((high - low).count()) + 1)));
}

bool Random::chance(double probability) noexcept { return unit() < probability; }

double Random::unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::uint64_t system_seed() {
  std::uint64_t seed = 0;
  GREY_CHECK(::getrandom(&seed, sizeof seed, 0) == sizeof seed);
  return seed;
}

std::array<char, 32> system_random_bytes() {
  std::array<char, 32> bytes;
  GREY_CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return bytes;
}

}  // namespace grey
