#include "storage/rocksdb/mailbox.h"

#include <iterator>
#include <utility>

namespace grey::storage {

void Mailbox::deliver(std::vector<Task>& tasks) {
  const std::lock_guard lock(mutex_);
  std::move(tasks.begin(), tasks.end(), std::back_inserter(waiting_));
  tasks.clear();
  // When closed the tasks wait to be destroyed with the mailbox, on the executor's thread: what
  // they hold belongs to it.
  if (posted_ || closed_ || waiting_.empty()) return;
  posted_ = true;
  executor_.post_from_any_thread([self = shared_from_this()] { self->run(); });
}

void Mailbox::deliver(Task task) {
  std::vector<Task> tasks;
  tasks.push_back(std::move(task));
  deliver(tasks);
}

void Mailbox::close() {
  std::vector<Task> dropped;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(waiting_);
}

void Mailbox::run() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(waiting_);
    posted_ = false;
  }
  for (auto& task : tasks) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;  // a task before this one destroyed the engine
    }
    task();
  }
}

}  // namespace grey::storage
