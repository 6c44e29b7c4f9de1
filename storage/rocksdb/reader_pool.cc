#include "storage/rocksdb/reader_pool.h"

#include <utility>

namespace grey::storage {

ReaderPool::ReaderPool(int threads, std::size_t reads_max, std::size_t result_bytes_max,
                       std::shared_ptr<Mailbox> mailbox)
    : reads_max_(reads_max), result_bytes_max_(result_bytes_max), mailbox_(std::move(mailbox)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

ReaderPool::~ReaderPool() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->wake.notify_all();
  for (auto& thread : threads_) thread.join();
  shared_->queue.clear();
}

bool ReaderPool::full() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->queue.size() >= reads_max_;
}

void ReaderPool::submit(Read read) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->queue.push_back(std::move(read));
  }
  shared_->wake.notify_one();
}

void ReaderPool::run() {
  for (;;) {
    Read read;
    {
      std::unique_lock lock(shared_->mutex);
      shared_->wake.wait(lock, [this] {
        return shared_->stopping ||
               (!shared_->queue.empty() && shared_->result_bytes < result_bytes_max_);
      });
      if (shared_->stopping) return;
      read = std::move(shared_->queue.front());
      shared_->queue.pop_front();
    }
    mailbox_->deliver(account(read()));
  }
}

// Counts a result until it has been delivered.
Task ReaderPool::account(Finished finished) const {
  const std::lock_guard lock(shared_->mutex);
  shared_->result_bytes += finished.bytes;
  return [shared = shared_, bytes = finished.bytes, max = result_bytes_max_,
          deliver = std::move(finished.deliver)]() mutable {
    bool was_blocked = false;
    {
      const std::lock_guard inner(shared->mutex);
      was_blocked = shared->result_bytes >= max;
      shared->result_bytes -= bytes;
    }
    if (was_blocked) shared->wake.notify_all();
    deliver();
  };
}

}  // namespace grey::storage
