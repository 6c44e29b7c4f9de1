// The event loop: one ring, its receive buffers, timers, posted tasks and the sockets at work in
// it.
//
// A turn: tasks from other threads, due timers, posted tasks and sockets that asked for service
// (until none is left, within bounds), then one system call that submits everything these prepared
// and sleeps until the next completion or timer, then the completions.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "transport/executor.h"
#include "transport/timed_heap.h"
#include "transport/uring/buffer_ring.h"
#include "transport/uring/buffer_waiters.h"
#include "transport/uring/counters.h"
#include "transport/uring/mailbox.h"
#include "transport/uring/ring.h"

namespace grey::transport::uring {

class Resource;

class Loop {
 public:
  struct Options {
    Ring::Options ring;
    BufferRing::Options buffers;
  };

  static Result<std::unique_ptr<Loop>> create(const Options& options);
  /// Not while run() is active. Sockets that are left are closed without a word to their owners.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();   // once
  void stop();  // from any thread

  void post(Task task) { posted_.push_back(std::move(task)); }
  void post_from_any_thread(Task task) { mailbox_.send(std::move(task)); }
  const SystemClock& clock() const noexcept { return clock_; }
  TimerId schedule_at(MonotonicTime at, Task task) { return timers_.push(at, std::move(task)); }
  bool cancel(TimerId id) { return timers_.remove(id).has_value(); }

  // For resources.
  /// True between the start of run() and stop(): operations may be launched and owners called.
  bool running() const noexcept { return running_; }
  Ring& ring() noexcept { return *ring_; }
  BufferRing& buffers() noexcept { return *buffers_; }
  BufferWaiters& buffer_waiters() noexcept { return buffer_waiters_; }
  Counters& counters() noexcept { return counters_; }
  void adopt(Resource& resource);
  void forget(Resource& resource);
  /// Has resource.service() called before the loop sleeps again.
  void defer(Resource& resource) { deferred_.push_back(&resource); }

 private:
  explicit Loop(const Options& options) : options_(options), mailbox_(counters_) {}
  Status open_ring();
  void enter();
  void leave();
  void turn();
  void run_due_timers();
  bool run_deferred();
  void sleep_or_poll(bool work_left);

  Options options_;
  Counters counters_;
  SystemClock clock_;
  TimedHeap<Task> timers_;
  Mailbox mailbox_;
  // The ring goes before the buffers that are registered with it.
  std::unique_ptr<BufferRing> buffers_;
  std::unique_ptr<Ring> ring_;
  BufferWaiters buffer_waiters_;
  std::vector<Task> posted_, posted_now_;
  std::vector<Resource*> deferred_, deferred_now_;
  Resource* first_resource_ = nullptr;
  bool running_ = false;
  std::atomic<bool> stopping_{false};
};

}  // namespace grey::transport::uring
