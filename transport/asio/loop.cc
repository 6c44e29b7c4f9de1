#include "transport/asio/loop.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace grey::transport::asio {
namespace {

// A timer is armed for no longer than this; then it looks again.
constexpr Duration arm_max = std::chrono::hours(1);

}  // namespace

void Loop::post(Task task) {
  if (dead_) return;
  posted_.push_back(std::move(task));
  if (std::exchange(drain_pending_, true)) return;
  boost::asio::post(executor_, pooled([self = shared_from_this()] { self->drain_posted(); }));
}

// Runs what was posted before; what these tasks post comes after other work has had its turn.
void Loop::drain_posted() {
  drain_pending_ = false;
  running_.swap(posted_);
  for (Task& task : running_) {
    if (dead_) break;
    std::exchange(task, {})();
  }
  running_.clear();
}

void Loop::post_from_any_thread(Task task) {
  {
    const std::lock_guard lock(inbox_mutex_);
    inbox_.push_back(std::move(task));
    if (inbox_.size() > 1) return;  // the loop has been woken and has not come yet
  }
  boost::asio::post(executor_, pooled([self = shared_from_this()] { self->drain_inbox(); }));
}

void Loop::drain_inbox() {
  {
    const std::lock_guard lock(inbox_mutex_);
    taken_.swap(inbox_);
  }
  for (Task& task : taken_) {
    if (dead_) break;
    std::exchange(task, {})();
  }
  taken_.clear();
}

TimerId Loop::schedule_at(MonotonicTime at, Task task) {
  if (dead_) return 0;
  const TimerId id = timers_.push(at, std::move(task));
  if (timers_.top_time() < armed_for_) arm_timer();
  return id;
}

void Loop::arm_timer() {
  armed_for_ = std::min(timers_.top_time(), clock_.now() + arm_max);
  // Asio's clock is the one behind ours. Setting it aborts the wait before it, if there is one.
  timer_.expires_at(std::chrono::steady_clock::time_point(armed_for_.time_since_epoch()));
  timer_.async_wait(pooled([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && !self->dead_) self->run_timers();
  }));
}

void Loop::run_timers() {
  const MonotonicTime now = clock_.now();
  armed_for_ = never;
  // At most as many as there are now: timers set for the past by timers must not keep out the rest.
  for (std::size_t left = timers_.size(); left > 0; --left) {
    if (timers_.empty() || timers_.top_time() > now) break;
    timers_.pop()();
    if (dead_) return;
  }
  if (!timers_.empty() && timers_.top_time() != never && timers_.top_time() < armed_for_) {
    arm_timer();
  }
}

void Loop::shut_down() {
  dead_ = true;
  timer_.cancel();
  // What tasks own may post more when it is destroyed (post() drops it, other threads may not
  // know).
  for (;;) {
    std::vector<Task> dropped = std::exchange(posted_, {});
    {
      const std::lock_guard lock(inbox_mutex_);
      std::move(inbox_.begin(), inbox_.end(), std::back_inserter(dropped));
      inbox_.clear();
    }
    for (Task& task : timers_.remove_if([](const Task&) { return true; })) {
      dropped.push_back(std::move(task));
    }
    if (dropped.empty()) return;
  }
}

}  // namespace grey::transport::asio
