// What is known of the database's condition, gathered from the committer, RocksDB's background
// threads and the file system, in one place. The first fatal error is kept; a failed fsync beats
// every other, because after it nobody knows what is on the disk.
//
// Thread-safe.
#pragma once
#include <atomic>
#include <mutex>
#include <optional>

#include "base/error.h"

namespace grey::storage {

class Health {
 public:
  /// Notes an error of a write or of background work.
  void note(const Error& error) {
    if (error.code == ErrorCode::storage_full) {
      full_.store(true);
      return;
    }
    const std::lock_guard lock(mutex_);
    if (!fatal_) fatal_ = error;
  }
  /// Notes that an fsync failed.
  void note_failed_sync(Error error) {
    const std::lock_guard lock(mutex_);
    if (!fatal_ || fatal_->code != ErrorCode::sync_failed) fatal_ = std::move(error);
  }
  /// The error that ended service, if any.
  std::optional<Error> fatal() const {
    const std::lock_guard lock(mutex_);
    return fatal_;
  }
  /// True once after the device was found full: it is worth trying to resume.
  bool take_full() { return full_.exchange(false); }

 private:
  mutable std::mutex mutex_;
  std::optional<Error> fatal_;
  std::atomic<bool> full_{false};
};

}  // namespace grey::storage
