// Time as a value. Cores take the current time as an argument; only drivers hold a Clock, and only
// base/ and transport/ read the machine's. Monotonic time never goes back and is meaningless across
// processes; Unix time is for people and diagnostics and orders nothing.
#pragma once
#include <chrono>
#include <cstdint>

namespace grey {

using Duration = std::chrono::nanoseconds;

/// A std::chrono clock without now(): time points of this type come from a Clock only.
struct MonotonicDomain {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicDomain, Duration>;
  static constexpr bool is_steady = true;
};
using MonotonicTime = MonotonicDomain::time_point;

inline constexpr MonotonicTime never{Duration::max()};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime now() const = 0;
  virtual std::int64_t unix_time_ns() const = 0;
};

/// The machine's clocks. Thread-safe.
class SystemClock final : public Clock {
 public:
  MonotonicTime now() const override;
  std::int64_t unix_time_ns() const override;
};

}  // namespace grey
