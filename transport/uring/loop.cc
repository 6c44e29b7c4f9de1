#include "transport/uring/loop.h"

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "transport/uring/resource.h"

namespace grey::transport::uring {
namespace {
/// Rounds of posted tasks that may follow one another before the loop looks at its sockets again.
constexpr int rounds_max = 16;

/// Takes completions that nobody waits for.
class Unanswered final : public Target {
  void on_completion(unsigned, int, std::uint32_t) override {}
};
}  // namespace

Result<std::unique_ptr<Loop>> Loop::create(const Options& options) {
  std::unique_ptr<Loop> loop(new Loop(options));
  if (Status opened = loop->mailbox_.open(); !opened) return std::unexpected(opened.error());
  if (Status opened = loop->open_ring(); !opened) return std::unexpected(opened.error());
  return loop;
}

Status Loop::open_ring() {
  auto ring = Ring::create(options_.ring, counters_);
  if (!ring) return std::unexpected(ring.error());
  auto buffers = BufferRing::create(**ring, options_.buffers);
  if (!buffers) return std::unexpected(buffers.error());
  ring_ = std::move(*ring);
  buffers_ = std::move(*buffers);
  return {};
}

Loop::~Loop() {
  GREY_CHECK(!running_);
  while (first_resource_ != nullptr) first_resource_->abandon();
}

void Loop::run() {
  enter();
  while (!stopping_.load(std::memory_order_relaxed)) turn();
  leave();
}

void Loop::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  mailbox_.notify();
}

void Loop::enter() {
  GREY_CHECK(ring_->enable());
  running_ = true;
  for (Resource* r = first_resource_; r != nullptr; r = r->next_) r->defer();
}

// What is in the ring belongs to objects that may go as soon as run() has returned.
void Loop::leave() {
  running_ = false;
  Unanswered unanswered;
  while (ring_->in_flight() > 0) {
    io_uring_sqe* entry = ring_->next_entry();
    io_uring_prep_cancel(entry, nullptr, IORING_ASYNC_CANCEL_ANY);
    ring_->launch(entry, unanswered, 0);
    ring_->submit_and_wait(Duration::max());
    ring_->reap();
  }
  for (Resource* resource : std::exchange(deferred_, {})) resource->service();
  ring_->disable();
}

void Loop::turn() {
  bool work_left = true;
  for (int round = 0; round < rounds_max && work_left; ++round) {
    mailbox_.take(posted_);
    run_due_timers();
    work_left = run_deferred();
  }
  if (stopping_.load(std::memory_order_relaxed)) return;
  buffer_waiters_.wake(buffers_->count());
  sleep_or_poll(work_left || !buffer_waiters_.empty());
  ring_->reap();
}

void Loop::run_due_timers() {
  if (timers_.empty()) return;
  const MonotonicTime now = clock_.now();
  // As many as there are at first: timers that timers make must not starve the sockets.
  for (std::size_t left = timers_.size(); left > 0; --left) {
    if (timers_.empty() || timers_.top_time() > now) return;
    Task task = timers_.pop();
    task();
  }
}

/// One round of posted tasks and services; true if these have brought new ones.
bool Loop::run_deferred() {
  posted_now_.swap(posted_);
  for (Task& task : posted_now_) {
    Task now = std::move(task);  // what it holds goes as soon as it has run
    now();
  }
  posted_now_.clear();
  deferred_now_.swap(deferred_);
  for (Resource* resource : deferred_now_) resource->service();
  deferred_now_.clear();
  return !posted_.empty() || !deferred_.empty();
}

void Loop::sleep_or_poll(bool work_left) {
  Duration limit = Duration::max();
  if (!timers_.empty()) limit = timers_.top_time() - clock_.now();
  if (work_left || limit <= Duration::zero()) {
    ring_->submit_and_poll();
  } else if (mailbox_.fall_asleep(*ring_)) {
    ring_->submit_and_wait(limit);
    mailbox_.wake_up();
  } else {
    ring_->submit_and_poll();
  }
}

void Loop::adopt(Resource& resource) {
  resource.next_ = first_resource_;
  if (first_resource_ != nullptr) first_resource_->previous_ = &resource;
  first_resource_ = &resource;
}

void Loop::forget(Resource& resource) {
  (resource.previous_ != nullptr ? resource.previous_->next_ : first_resource_) = resource.next_;
  if (resource.next_ != nullptr) resource.next_->previous_ = resource.previous_;
}

}  // namespace grey::transport::uring
