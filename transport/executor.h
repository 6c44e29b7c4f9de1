// The executor: one event loop on one thread, the only source of time, timers and deferred work for
// everything above it. Real loops read the machine's clocks; the simulator's owns virtual time.
//
// Thread-safety: everything is for the loop's own thread, except post_from_any_thread().
#pragma once
#include <cstdint>

#include "base/clock.h"
#include "base/task.h"

namespace grey::transport {

/// Names a scheduled timer. Never reused within an executor; 0 names none.
using TimerId = std::uint64_t;

class Executor : public Clock {
 public:
  /// Runs `task` soon, after the current callback has returned, in the order posted.
  virtual void post(Task task) = 0;
  /// The same, from any thread; wakes the loop.
  virtual void post_from_any_thread(Task task) = 0;
  /// Runs `task` once now() has reached `at` (never early; in order of `at`, then of scheduling).
  virtual TimerId schedule_at(MonotonicTime at, Task task) = 0;
  TimerId schedule_after(Duration delay, Task task) {
    const MonotonicTime base = now();
    return schedule_at(delay < never - base ? base + delay : never, std::move(task));
  }
  /// Drops a timer; its task is destroyed unrun. False if it has run, was cancelled or never was.
  virtual bool cancel(TimerId id) = 0;
};

}  // namespace grey::transport
