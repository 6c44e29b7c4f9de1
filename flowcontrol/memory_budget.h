// The memory that one node may use for work in flight, split into pools that cannot take from one
// another, so that a flood of one kind never starves what is needed to get rid of it:
//
//   ingress  receive windows granted to peers and chunked messages admitted. Reserve before
//            granting, and the sum of all credit granted never exceeds the pool.
//   egress   answers. Reserve an answer's largest size before taking its request up.
//   engine   caches and write buffers of the storage engine.
//   state    everything that grows with the number of keys, peers and operations.
//
// A reservation that does not fit is refused, never waited for: whoever asked answers overloaded.
// Not thread-safe: a budget belongs to one loop.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace grey::flowcontrol {

enum class Pool : std::uint8_t { ingress, egress, engine, state };
inline constexpr std::size_t pool_count = 4;

class MemoryBudget {
 public:
  using Bytes = std::array<std::uint64_t, pool_count>;  // by Pool

  /// Limits of the pools.
  explicit MemoryBudget(const Bytes& limits) noexcept : limit_(limits) {}
  /// `total` split: 30 % ingress, 20 % egress, 40 % engine, the rest state.
  static Bytes split(std::uint64_t total) noexcept;

  /// False, counted and without effect, if the pool has less than `bytes` left.
  bool try_reserve(Pool pool, std::uint64_t bytes) noexcept;
  /// Gives back a part of what was reserved.
  void release(Pool pool, std::uint64_t bytes) noexcept;

  std::uint64_t limit(Pool pool) const noexcept { return limit_[index(pool)]; }
  std::uint64_t used(Pool pool) const noexcept { return used_[index(pool)]; }
  std::uint64_t available(Pool pool) const noexcept { return limit(pool) - used(pool); }
  /// The most that was ever in use at once, and how often a reservation was refused.
  std::uint64_t used_max(Pool pool) const noexcept { return used_max_[index(pool)]; }
  std::uint64_t refusals(Pool pool) const noexcept { return refusals_[index(pool)]; }
  /// Always-on check of what must hold between any two calls.
  void check_invariants() const noexcept;

 private:
  static constexpr std::size_t index(Pool pool) noexcept { return static_cast<std::size_t>(pool); }

  Bytes limit_;
  Bytes used_{};
  Bytes used_max_{};
  Bytes refusals_{};
};

/// A part of a pool, given back when this is destroyed.
class Reservation {
 public:
  Reservation() = default;
  /// Empty, and is_held() false, if the pool has less than `bytes` left. `budget` outlives it.
  Reservation(MemoryBudget& budget, Pool pool, std::uint64_t bytes) noexcept;
  Reservation(Reservation&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)),
        pool_(other.pool_),
        bytes_(std::exchange(other.bytes_, 0)) {}
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation() { release(); }

  bool is_held() const noexcept { return budget_ != nullptr; }
  std::uint64_t bytes() const noexcept { return bytes_; }
  /// Gives back all but `bytes`; does nothing if it holds no more than that.
  void shrink_to(std::uint64_t bytes) noexcept;
  /// Takes over what `other` holds, of the same budget and pool.
  void absorb(Reservation&& other) noexcept;
  void release() noexcept;

 private:
  MemoryBudget* budget_ = nullptr;
  Pool pool_ = Pool::ingress;
  std::uint64_t bytes_ = 0;
};

}  // namespace grey::flowcontrol
