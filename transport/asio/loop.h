// What the objects of one Asio transport share: the executor, posted tasks, timers, memory.
// Handlers that wait inside an io_context own it, so that it outlives the transport if the context
// does. Internal to transport/asio.
#pragma once
#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "transport/asio/handler_pool.h"
#include "transport/executor.h"
#include "transport/timed_heap.h"

namespace grey::transport::asio {

class Loop : public std::enable_shared_from_this<Loop> {
 public:
  explicit Loop(boost::asio::any_io_executor executor)
      : executor_(std::move(executor)), timer_(executor_) {}

  const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  const SystemClock& clock() const noexcept { return clock_; }

  void post(Task task);
  void post_from_any_thread(Task task);
  TimerId schedule_at(MonotonicTime at, Task task);
  bool cancel(TimerId id) { return timers_.remove(id).has_value(); }

  /// No task runs any more; those that wait are destroyed.
  void shut_down();
  bool is_dead() const noexcept { return dead_; }

  /// Where streams receive into, one at a time.
  std::array<char, 64 * 1024>& receive_buffer() noexcept { return receive_buffer_; }

  /// The handler with the pool's memory behind it.
  template <typename Handler>
  auto pooled(Handler handler) {
    return boost::asio::bind_allocator(PoolAllocator<void>(pool_), std::move(handler));
  }

 private:
  void drain_posted();
  void drain_inbox();
  void run_timers();
  void arm_timer();

  HandlerPool pool_;  // outlives what is allocated from it
  const SystemClock clock_;
  const boost::asio::any_io_executor executor_;
  bool dead_ = false;

  std::vector<Task> posted_;
  std::vector<Task> running_;
  bool drain_pending_ = false;

  std::mutex inbox_mutex_;
  std::vector<Task> inbox_;
  std::vector<Task> taken_;

  TimedHeap<Task> timers_;
  boost::asio::steady_timer timer_;
  MonotonicTime armed_for_ = never;

  std::array<char, 64 * 1024> receive_buffer_;
};

}  // namespace grey::transport::asio
