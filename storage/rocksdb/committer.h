// Group commit: one thread takes every commit that is queued, writes them as one batch with at most
// one sync, and hands the completions back in order. While it waits for the disk the next group
// gathers, so the rate adapts to the disk by itself.
#pragma once
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/engine.h"
#include "storage/rocksdb/health.h"
#include "storage/rocksdb/mailbox.h"

namespace grey::storage {

class Committer {
 public:
  struct Limits {
    std::size_t queue_bytes_max;
    std::size_t group_bytes_max;
  };
  /// Why nothing may be added now (the device is nearly full), if so; asked once a group.
  using RoomCheck = std::function<Status()>;
  Committer(rocksdb::DB& database, Limits limits, RoomCheck check_room,
            std::shared_ptr<Health> health, std::shared_ptr<Mailbox> mailbox);
  /// Writes everything queued, then ends the thread.
  ~Committer();

  /// Queues a commit. Beyond the queue's limit it is refused: it keeps its place in the order of
  /// completions and completes with overloaded.
  void commit(WriteBatch batch, Durability durability, CommitCallback done);

 private:
  struct Entry {
    WriteBatch batch;
    Durability durability;
    CommitCallback done;
    Status refusal;  // why it is not to be written
  };

  void run();
  void take_group();
  void refuse_growth();
  Status write_group();
  Status write(bool sync);
  void deliver(const Status& status);

  rocksdb::DB& database_;
  const Limits limits_;
  const RoomCheck check_room_;
  const std::shared_ptr<Health> health_;
  const std::shared_ptr<Mailbox> mailbox_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Entry> queue_;
  std::size_t queued_bytes_ = 0;  // of the queue and of the group being written
  bool stopping_ = false;

  // The thread's own.
  std::vector<Entry> group_;
  std::size_t group_bytes_ = 0;
  rocksdb::WriteBatch merged_;
  std::vector<Task> completions_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace grey::storage
