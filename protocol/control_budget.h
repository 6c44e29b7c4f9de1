// How many control frames a peer may send. They need no credit, so this bounds the work they cause:
// each takes one from the budget; every other frame received, and every frame of ours that the
// transport has taken (so the peer is reading), gives one back; a little comes with time. A peer
// that keeps the rules (docs/protocol.md) cannot run out, even if this side was stopped for long
// and finds a backlog.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace grey::protocol {

class ControlBudget {
 public:
  ControlBudget(std::uint32_t frames_max, std::uint32_t frames_per_second)
      : max_(frames_max), per_second_(frames_per_second), left_(frames_max) {}

  void earn(std::uint64_t frames) noexcept {
    left_ = std::min<std::uint64_t>(max_, left_ + frames);
  }

  /// False if the budget is exhausted.
  [[nodiscard]] bool spend(MonotonicTime now) noexcept {
    if (left_ == 0) refill(now);
    if (left_ == 0) return false;
    if (left_-- == max_) refilled_at_ = now;
    return true;
  }

 private:
  void refill(MonotonicTime now) noexcept {
    const auto elapsed_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(now - refilled_at_).count();
    if (elapsed_ms <= 0) return;
    refilled_at_ = now;
    earn(std::min<std::uint64_t>(max_, static_cast<std::uint64_t>(elapsed_ms)) * per_second_ /
         1000);
  }

  std::uint64_t max_;
  std::uint64_t per_second_;
  std::uint64_t left_;
  MonotonicTime refilled_at_{};
};

}  // namespace grey::protocol
