// How long to wait before trying the same destination again: exponential with full jitter (each
// delay is uniform between nothing and a ceiling that doubles), which spreads the clients of a
// destination that comes back (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015). Trying
// another destination needs no back-off. A value; time and randomness come from the caller.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/random.h"

namespace grey::breaker {

struct BackoffOptions {
  Duration base = std::chrono::milliseconds(100);  // ceiling of the first delay
  Duration cap = std::chrono::seconds(30);         // no ceiling is above this
  std::uint32_t tries_max = 5;                     // delays given before next() says stop
  Duration floor{};                                // no delay is below this
};

class Backoff {
 public:
  explicit Backoff(BackoffOptions options = {}) noexcept : options_(options) {}

  /// The delay before the next try, or nothing once tries_max were given.
  std::optional<Duration> next(Random& random) noexcept {
    if (tries_ >= options_.tries_max) return std::nullopt;
    const Duration limit = ceiling();
    ++tries_;
    return std::max(options_.floor, random.between(Duration{}, limit));
  }
  /// The destination works: begin anew.
  void reset() noexcept { tries_ = 0; }
  std::uint32_t tries() const noexcept { return tries_; }
  /// The most that the next delay can be.
  Duration ceiling() const noexcept {
    Duration limit = std::min(options_.base, options_.cap);
    for (std::uint32_t i = 0; i < tries_ && limit < options_.cap; ++i) {
      limit = limit > options_.cap / 2 ? options_.cap : limit * 2;
    }
    return limit;
  }

 private:
  BackoffOptions options_;
  std::uint32_t tries_ = 0;
};

/// For what must be tried for ever, such as reconnecting.
inline constexpr std::uint32_t tries_unlimited = ~std::uint32_t{0};

}  // namespace grey::breaker
