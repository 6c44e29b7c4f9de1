// Deadlines of many small things, each named by a small number (a slot): a hashed timing wheel
// (Varghese and Lauck, 1987) whose entries are linked through an array. Setting, dropping and
// expiring cost O(1) and allocate nothing in the steady state. Coarse: a deadline is reported up to
// one tick late, never early. A value; time comes from the caller. Not thread-safe.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace grey::rpc {

class DeadlineWheel {
 public:
  static constexpr Duration tick = std::chrono::milliseconds(4);

  DeadlineWheel();

  /// Sets the deadline of `slot`, which has none.
  void set(std::uint32_t slot, MonotonicTime deadline, MonotonicTime now);
  /// Drops it, if it is set.
  void drop(std::uint32_t slot) noexcept;
  /// Drops every deadline that has passed and appends its slot to `due`, roughly in order.
  void expire(MonotonicTime now, std::vector<std::uint32_t>& due);
  /// A time to call expire() at: no deadline expires before it. `never` if none is set.
  MonotonicTime next() const noexcept;
  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t bucket_count = 512;  // about two seconds; later ones go round again
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct Node {
    std::uint32_t previous = none;
    std::uint32_t next = none;
    std::int64_t tick = -1;  // that it expires at; -1: not set
  };

  static std::size_t bucket_of(std::int64_t at) noexcept {
    return static_cast<std::size_t>(at) % bucket_count;
  }
  void unlink(std::uint32_t slot) noexcept;

  std::array<std::uint32_t, bucket_count> heads_;
  std::array<std::uint64_t, bucket_count / 64> occupied_{};  // buckets with entries
  std::vector<Node> nodes_;                                  // by slot
  std::int64_t current_ = 0;                                 // every tick before it was expired
  std::size_t size_ = 0;
};

}  // namespace grey::rpc
