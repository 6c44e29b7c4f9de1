// The threads that reads block on. Bounded twice: by the number of reads that wait, and by the
// bytes that have been read and not yet been delivered (readers wait for the executor to catch up).
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/rocksdb/mailbox.h"

namespace grey::storage {

class ReaderPool {
 public:
  /// What a read made: the call of its callback, and how many bytes that holds.
  struct Finished {
    Task deliver;
    std::size_t bytes = 0;
  };
  using Read = std::move_only_function<Finished()>;

  ReaderPool(int threads, std::size_t reads_max, std::size_t result_bytes_max,
             std::shared_ptr<Mailbox> mailbox);
  /// Finishes the reads that are under way and drops the others.
  ~ReaderPool();

  bool full() const;
  /// Runs `read` on one of the threads and delivers what it made; not to be called when full.
  void submit(Read read);

 private:
  // Outlives the pool in deliveries that are under way.
  struct Shared {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Read> queue;
    std::size_t result_bytes = 0;
    bool stopping = false;
  };

  void run();
  Task account(Finished finished) const;

  const std::size_t reads_max_;
  const std::size_t result_bytes_max_;
  const std::shared_ptr<Mailbox> mailbox_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::vector<std::thread> threads_;
};

}  // namespace grey::storage
