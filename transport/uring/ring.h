// One io_uring: set-up with the best flags the kernel knows, submission in batches, reaping.
// Operations prepared during a loop turn reach the kernel together, with the one system call that
// also waits. A ring is made disabled on any thread; the thread that calls enable() is the only one
// that may use it from then on (SINGLE_ISSUER), and completions are worked on only while that
// thread waits (DEFER_TASKRUN), never in the middle of a callback.
#pragma once
#include <liburing.h>

#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "transport/uring/counters.h"
#include "transport/uring/target.h"

namespace grey::transport::uring {

class Ring {
 public:
  struct Options {
    unsigned submission_entries = 1024;
    /// A multishot operation completes many times, so more room than for submissions.
    unsigned completion_entries = 8192;
    /// False: do without it, as on Linux 6.0 (completions then also interrupt callbacks' system
    /// calls).
    bool deferred_task_run = true;
  };

  /// Fails with transport_unsupported if the kernel denies or lacks io_uring (the detail says why
  /// and what to do), or transport_io.
  static Result<std::unique_ptr<Ring>> create(const Options& options, Counters& counters);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// Hands the ring to the calling thread, once and for ever.
  Status enable();
  /// The ring's thread is done with it.
  void disable();

  /// An entry to be filled by io_uring_prep_*(), then launched at once.
  io_uring_sqe* next_entry();
  /// Aims the prepared entry's completions at `target`; it is submitted at the next wait or poll.
  void launch(io_uring_sqe* entry, Target& target, unsigned slot);

  /// Submits, then sleeps until a completion or for at most `limit` (never: no limit).
  void submit_and_wait(Duration limit);
  /// Submits and lets the kernel post what has completed, without sleeping.
  void submit_and_poll();
  /// Hands the completions that are there to their targets.
  void reap();

  /// Operations whose last completion has not been reaped.
  std::size_t in_flight() const noexcept { return in_flight_; }
  io_uring* raw() noexcept { return &ring_; }
  bool deferred_task_run() const noexcept {
    return (ring_.flags & IORING_SETUP_DEFER_TASKRUN) != 0;
  }

 private:
  explicit Ring(Counters& counters) : counters_(counters) {}

  Counters& counters_;
  io_uring ring_{};
  std::size_t in_flight_ = 0;
};

/// transport_unsupported: why `system_call` probably failed with `error_number`, and what to do.
Error kernel_denies(const std::string& system_call, int error_number);

}  // namespace grey::transport::uring
