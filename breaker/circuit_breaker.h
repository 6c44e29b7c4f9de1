// Stops calls to a destination that keeps failing, and finds out with a few probes when it is back
// (M. Nygard, "Release It!", 2007). One breaker per destination.
//
//   closed     calls pass; the error rate over a sliding window opens it, once there were enough
//              calls to judge by.
//   open       calls are refused for a while (with jitter, doubling each time it opens again).
//   half-open  a few leased probes pass. Enough successes close it, one failure opens it again. A
//              probe that says nothing within its lease gives its place to another.
//
// Every change of state begins a new generation; a permit carries the one it was given in, so that
// the result of a call made earlier changes nothing. A sign of life (a completed handshake, a PONG)
// half-opens at once. An overloaded answer is no failure: the destination works, and says when to
// come back. A caller that cannot do without the destination goes through bypass().
//
// Pure: time and randomness are arguments. Not thread-safe.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/random.h"

namespace grey::breaker {

struct BreakerOptions {
  Duration window = std::chrono::seconds(10);  // that the error rate is taken over
  std::uint32_t calls_min = 20;                // in the window, to judge at all
  double error_rate = 0.5;                     // failures / calls that opens it
  Duration open_base = std::chrono::seconds(30);
  Duration open_cap = std::chrono::seconds(300);
  double jitter = 0.1;  // of an open time, either way; never beyond the cap
  std::uint32_t probes_max = 3;
  std::uint32_t successes_to_close = 3;
  Duration probe_lease = std::chrono::seconds(5);
};

enum class BreakerState : std::uint8_t { closed, open, half_open };

enum class Outcome : std::uint8_t {
  success,
  failure,
  overloaded,  // an answer, so the destination works; not counted in the error rate
  unknown      // says nothing about the destination (cancelled, never sent)
};

/// Leave to make one call; report its end with CircuitBreaker::on_result().
struct Permit {
  std::uint64_t generation = 0;
  std::uint64_t lease = 0;  // of a probe; else 0
  bool is_bypass = false;
};

class CircuitBreaker {
 public:
  explicit CircuitBreaker(BreakerOptions options = {});

  /// Leave to call, or nothing while it is open (or all probes are out).
  std::optional<Permit> try_acquire(MonotonicTime now);
  /// Leave to call regardless. Of its results only a success has an effect: it is a sign of life.
  Permit bypass() const noexcept { return {generation_, 0, true}; }
  void on_result(const Permit& permit, Outcome outcome, MonotonicTime now, Random& random);
  /// A sign of life outside of calls.
  void on_reachable(MonotonicTime now);

  BreakerState state(MonotonicTime now) const noexcept;
  /// When an open breaker lets probes pass; meaningless otherwise.
  MonotonicTime open_until() const noexcept { return open_until_; }
  /// How often it opened in all.
  std::uint64_t times_opened() const noexcept { return times_opened_; }
  /// Always-on check of what must hold between any two calls.
  void check_invariants() const noexcept;

 private:
  static constexpr std::int64_t bucket_count = 10;
  struct Bucket {
    std::int64_t number = -1;  // of the time slice that it counts
    std::uint32_t calls = 0;
    std::uint32_t failures = 0;
  };
  struct Lease {
    std::uint64_t id = 0;  // 0: free
    MonotonicTime until{};
  };

  void change_to(BreakerState state);
  void open(MonotonicTime now, Random& random);
  void half_open_if_due(MonotonicTime now);
  void count(bool failure, MonotonicTime now);
  bool is_failing(MonotonicTime now) const noexcept;
  void on_probe_result(Lease& lease, Outcome outcome, MonotonicTime now, Random& random);
  std::int64_t slice(MonotonicTime now) const noexcept;

  BreakerOptions options_;
  BreakerState state_ = BreakerState::closed;
  std::uint64_t generation_ = 1;
  std::array<Bucket, bucket_count> buckets_;
  MonotonicTime open_until_{};
  Duration open_next_;  // before jitter
  std::vector<Lease> leases_;
  std::uint64_t next_lease_ = 1;
  std::uint32_t probe_successes_ = 0;
  std::uint64_t times_opened_ = 0;
};

}  // namespace grey::breaker
