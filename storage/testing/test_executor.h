// An executor for tests of engines: virtual time, and posts from other threads. Deterministic as
// long as nothing posts from another thread.
//
// Thread-safety: as transport::Executor.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "transport/executor.h"

namespace grey::storage {

class TestExecutor final : public transport::Executor {
 public:
  MonotonicTime now() const override { return now_; }
  std::int64_t unix_time_ns() const override { return now_.time_since_epoch().count(); }

  void post(Task task) override { post_from_any_thread(std::move(task)); }
  void post_from_any_thread(Task task) override {
    {
      const std::lock_guard lock(mutex_);
      ready_.push_back(std::move(task));
      ++posts_;
    }
    wake_.notify_one();
  }
  transport::TimerId schedule_at(MonotonicTime at, Task task) override {
    const transport::TimerId id = ++timer_ids_;
    timers_.emplace(std::pair(std::max(at, now_), id), std::move(task));
    return id;
  }
  bool cancel(transport::TimerId id) override {
    return std::erase_if(timers_, [&](const auto& timer) { return timer.first.second == id; }) > 0;
  }

  /// Runs one posted task, or else moves time to the next timer and runs that. False if idle.
  bool run_one() {
    if (Task task = take_ready(/*wait=*/false)) {
      task();
      return true;
    }
    if (timers_.empty()) return false;
    auto timer = timers_.extract(timers_.begin());
    now_ = timer.key().first;
    timer.mapped()();
    return true;
  }
  void run_until_idle() {
    while (run_one()) {
    }
  }
  /// Runs until `done()`, waiting for other threads when there is nothing else to do.
  void run_until(const std::function<bool()>& done) {
    while (!done()) {
      if (!run_one()) take_ready(/*wait=*/true)();
    }
  }
  /// Tasks posted so far.
  std::uint64_t posts() const {
    const std::lock_guard lock(mutex_);
    return posts_;
  }

 private:
  Task take_ready(bool wait) {
    std::unique_lock lock(mutex_);
    if (wait) wake_.wait(lock, [this] { return !ready_.empty(); });
    if (ready_.empty()) return {};
    Task task = std::move(ready_.front());
    ready_.pop_front();
    return task;
  }

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> ready_;
  std::uint64_t posts_ = 0;
  std::map<std::pair<MonotonicTime, transport::TimerId>, Task> timers_;
  transport::TimerId timer_ids_ = 0;
  MonotonicTime now_{};
};

}  // namespace grey::storage
