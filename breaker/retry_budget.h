// How many retries a caller may add to the load it makes anyway: a token bucket that calls fill by
// a fraction each and retries empty by one each, so that retries stay a small share of all calls
// when everything fails, and a trickle per second lets an idle caller retry at all (the scheme of
// Finagle's RetryBudget). A value; time comes from the caller. Not thread-safe.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace grey::breaker {

struct RetryBudgetOptions {
  double retries_per_call = 0.1;
  double retries_per_second = 1;
  double tokens_max = 100;
};

class RetryBudget {
 public:
  explicit RetryBudget(RetryBudgetOptions options = {}) noexcept
      : options_(options), tokens_(options.tokens_max) {}

  /// A first try was made.
  void on_call() noexcept { add(options_.retries_per_call); }
  /// True, and a token spent, if a retry may be made now.
  [[nodiscard]] bool try_retry(MonotonicTime now) noexcept {
    if (now > refilled_) {
      add(std::chrono::duration<double>(now - refilled_).count() * options_.retries_per_second);
      refilled_ = now;
    }
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }
  double tokens() const noexcept { return tokens_; }

 private:
  void add(double tokens) noexcept { tokens_ = std::min(options_.tokens_max, tokens_ + tokens); }

  RetryBudgetOptions options_;
  double tokens_;
  MonotonicTime refilled_{};
};

}  // namespace grey::breaker
