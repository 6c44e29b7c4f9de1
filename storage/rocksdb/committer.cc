#include "storage/rocksdb/committer.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "storage/rocksdb/resume.h"
#include "storage/rocksdb/status.h"

namespace grey::storage {
namespace {

// What a commit takes in the queue, its callback and bookkeeping included.
std::size_t charge(const WriteBatch& batch) {
  constexpr std::size_t entry_bytes = 256, change_bytes = 96;
  return entry_bytes + batch.changes().size() * change_bytes + batch.size_bytes();
}

}  // namespace

Committer::Committer(rocksdb::DB& database, Limits limits, RoomCheck check_room,
                     std::shared_ptr<Health> health, std::shared_ptr<Mailbox> mailbox)
    : database_(database),
      limits_(limits),
      check_room_(std::move(check_room)),
      health_(std::move(health)),
      mailbox_(std::move(mailbox)),
      thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Committer::commit(WriteBatch batch, Durability durability, CommitCallback done) {
  const std::size_t bytes = charge(batch);
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    // A commit larger than the whole limit is let into an empty queue: refusing it would be for
    // ever, and the limits on values bound it.
    Status refusal;
    if (queued_bytes_ > 0 && queued_bytes_ + bytes > limits_.queue_bytes_max) {
      refusal = fail(ErrorCode::overloaded, "the engine's commit queue is full");
      batch = WriteBatch();
    }
    queued_bytes_ += charge(batch);
    was_empty = queue_.empty();
    queue_.push_back({std::move(batch), durability, std::move(done), std::move(refusal)});
  }
  if (was_empty) wake_.notify_one();
}

void Committer::run() {
  for (;;) {
    take_group();
    if (group_.empty()) return;
    refuse_growth();
    deliver(write_group());
  }
}

void Committer::take_group() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  while (!queue_.empty()) {
    const std::size_t bytes = charge(queue_.front().batch);
    if (!group_.empty() && group_bytes_ + bytes > limits_.group_bytes_max) break;
    group_bytes_ += bytes;
    group_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

// Deletes pass even when the device is nearly full: they make room in the end.
void Committer::refuse_growth() {
  const Status room = check_room_();
  if (room) return;
  for (auto& entry : group_) {
    const bool grows = std::ranges::any_of(entry.batch.changes(),
                                           [](const auto& c) { return c.value.has_value(); });
    if (entry.refusal && grows) entry.refusal = room;
  }
}

Status Committer::write_group() {
  bool sync = false, any = false;
  merged_.Clear();
  for (const auto& entry : group_) {
    if (!entry.refusal) continue;
    any = true;
    sync |= entry.durability == Durability::sync;
    for (const auto& change : entry.batch.changes()) {
      const auto status =
          change.value ? merged_.Put(change.key, *change.value) : merged_.Delete(change.key);
      if (!status.ok()) return std::unexpected(to_error(status, "commit"));
    }
  }
  return any ? write(sync) : Status();
}

Status Committer::write(bool sync) {
  if (auto fatal = health_->fatal()) return std::unexpected(*std::move(fatal));
  try {
    // After background work found the device full RocksDB waits to be told to try again.
    if (health_->take_full()) {
      if (const Status resumed = resume(database_); !resumed) {
        health_->note(resumed.error());
        return resumed;
      }
    }
    rocksdb::WriteOptions options;
    options.sync = sync;
    const auto status = database_.Write(options, &merged_);
    if (status.ok()) return {};
    health_->note(to_error(status, "commit"));
    // A failed log write or sync was noted by the file system below: that is the cause to report.
    if (auto fatal = health_->fatal()) return std::unexpected(*std::move(fatal));
    return std::unexpected(to_error(status, "commit"));
  } catch (const std::exception& exception) {
    const Error error{ErrorCode::storage_io, std::string("commit: ") + exception.what()};
    health_->note(error);
    return std::unexpected(error);
  }
}

void Committer::deliver(const Status& status) {
  for (auto& entry : group_) {
    Status outcome = std::move(entry.refusal);
    if (outcome) outcome = status;
    completions_.push_back([done = std::move(entry.done), outcome = std::move(outcome)]() mutable {
      done(std::move(outcome));
    });
  }
  group_.clear();
  {
    // Before the completions: who has seen them all finds the queue empty.
    const std::lock_guard lock(mutex_);
    queued_bytes_ -= std::exchange(group_bytes_, 0);
  }
  mailbox_->deliver(completions_);
}

}  // namespace grey::storage
