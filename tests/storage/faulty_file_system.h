// A file system for tests of the engine: it fails, tears and holds up writes and syncs on demand,
// by kind of file. Deterministic, and needs no mounts or privileges.
//
// Thread-safe.
#pragma once
#include <rocksdb/file_system.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/random.h"

namespace grey::storage {

/// What happens to the files whose names end in `suffix` (".log": the write-ahead log, ".sst").
struct FileFault {
  std::string suffix;
  rocksdb::IOStatus append = rocksdb::IOStatus::OK();
  rocksdb::IOStatus sync = rocksdb::IOStatus::OK();
  std::size_t torn_bytes = 0;  // of a failing append, written all the same
};

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FaultyFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "GreyFaulty"; }

  void set(FileFault fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }
  void heal() { set({"none"}); }
  /// Syncs of logs wait until they are released.
  void hold_syncs(bool hold) {
    {
      const std::lock_guard lock(mutex_);
      held_ = hold;
    }
    changed_.notify_all();
  }
  /// Waits until a sync is being held.
  void await_held_sync() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  /// What the device claims to have left.
  void set_free_bytes(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    free_bytes_ = bytes;
  }
  int log_syncs() const {
    const std::lock_guard lock(mutex_);
    return log_syncs_;
  }

  /// From here every write and sync fails, as seen by the process that is about to die.
  void cut_power() {
    const std::lock_guard lock(mutex_);
    power_is_cut_ = true;
  }
  /// After the process has died: every file loses a random part of what was not synced.
  void restore_power(Random& random) {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, extent] : extents_) {
      const std::uint64_t kept = random.between(extent.synced, extent.written);
      lost_bytes_ += extent.written - kept;
      std::filesystem::resize_file(path, kept);
    }
    extents_.clear();
    power_is_cut_ = false;
  }
  std::uint64_t lost_bytes() const {
    const std::lock_guard lock(mutex_);
    return lost_bytes_;
  }

  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    auto status = target()->RenameFile(from, to, options, context);
    const std::lock_guard lock(mutex_);
    if (auto extent = extents_.extract(from); status.ok() && !extent.empty()) {
      extents_.insert_or_assign(to, extent.mapped());
    }
    return status;
  }
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    auto status = target()->DeleteFile(path, options, context);
    const std::lock_guard lock(mutex_);
    if (status.ok()) extents_.erase(path);
    return status;
  }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* context) override {
    auto status = target()->NewWritableFile(path, options, file, context);
    if (!status.ok()) return status;
    *file = std::make_unique<File>(std::move(*file), path, *this);
    const std::lock_guard lock(mutex_);
    extents_.insert_or_assign(path, Extent());
    return status;
  }

  rocksdb::IOStatus GetFreeSpace(const std::string&, const rocksdb::IOOptions&,
                                 std::uint64_t* free_bytes, rocksdb::IODebugContext*) override {
    const std::lock_guard lock(mutex_);
    *free_bytes = free_bytes_;
    return rocksdb::IOStatus::OK();
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path, FaultyFileSystem& owner)
        : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), owner_(owner) {}
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
      const FileFault fault = owner_.fault_of(path_);
      if (fault.append.ok()) {
        owner_.note_append(path_, data.size());
        return target()->Append(data, options, context);
      }
      const rocksdb::Slice torn(data.data(), std::min(fault.torn_bytes, data.size()));
      if (!torn.empty()) target()->Append(torn, options, context).PermitUncheckedError();
      return fault.append;
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&,
                             rocksdb::IODebugContext* context) override {
      return Append(data, options, context);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
      if (path_.ends_with(".log")) owner_.wait_if_held();
      const FileFault fault = owner_.fault_of(path_);
      if (!fault.sync.ok()) return fault.sync;
      auto status = target()->Sync(options, context);
      if (status.ok()) owner_.note_sync(path_);
      return status;
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* context) override {
      return Sync(options, context);
    }

   private:
    const std::string path_;
    FaultyFileSystem& owner_;
  };

  struct Extent {
    std::uint64_t written = 0;
    std::uint64_t synced = 0;
  };

  FileFault fault_of(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    if (power_is_cut_) {
      const auto gone = rocksdb::IOStatus::IOError("the power is cut");
      return {"", gone, gone};
    }
    return path.ends_with(fault_.suffix) ? fault_ : FileFault{"none"};
  }
  // RocksDB writes and syncs one file from one thread at a time.
  void note_append(const std::string& path, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    extents_[path].written += bytes;
  }
  void note_sync(const std::string& path) {
    const std::lock_guard lock(mutex_);
    auto& extent = extents_[path];
    extent.synced = extent.written;
  }
  void wait_if_held() {
    std::unique_lock lock(mutex_);
    ++log_syncs_;
    ++waiting_;
    if (held_) changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    --waiting_;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  FileFault fault_{"none"};
  std::map<std::string, Extent> extents_;
  bool power_is_cut_ = false;
  std::uint64_t lost_bytes_ = 0;
  std::uint64_t free_bytes_ = std::uint64_t{1} << 40;
  bool held_ = false;
  int waiting_ = 0;
  int log_syncs_ = 0;
};

}  // namespace grey::storage
