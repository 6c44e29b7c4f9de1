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
  /// Notes an error of a write or of background work. A full device is not fatal by itself.
  void note(const Error& error) {
    if (error.code == ErrorCode::storage_full) {
      full_.store(true);
    } else {
      note_fatal(error);
    }
  }
  /// Notes what ends service in any case. The first is kept, but for a failed sync.
  void note_fatal(Error error) {
    const std::lock_guard lock(mutex_);
    if (!fatal_ || error.code == ErrorCode::sync_failed) fatal_ = std::move(error);
  }
  /// The error that ended service, if any.
  std::optional<Error> fatal() const {
    const std::lock_guard lock(mutex_);
    return fatal_;
  }
  /// True once after background work found the device full: the next commit tries to resume it.
  bool take_full() { return full_.exchange(false); }

 private:
  mutable std::mutex mutex_;
  std::optional<Error> fatal_;
  std::atomic<bool> full_{false};
};

}  // namespace grey::storage
