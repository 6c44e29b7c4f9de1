// A file system for tests of the engine: it fails, tears and holds up writes and syncs on demand,
// by kind of file. Deterministic, and needs no mounts or privileges.
//
// Thread-safe.
#pragma once
#include <rocksdb/file_system.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

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

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* context) override {
    auto status = target()->NewWritableFile(path, options, file, context);
    if (status.ok()) *file = std::make_unique<File>(std::move(*file), path, *this);
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
      if (fault.append.ok()) return target()->Append(data, options, context);
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
      return fault.sync.ok() ? target()->Sync(options, context) : fault.sync;
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* context) override {
      return Sync(options, context);
    }

   private:
    const std::string path_;
    FaultyFileSystem& owner_;
  };

  FileFault fault_of(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    return path.ends_with(fault_.suffix) ? fault_ : FileFault{"none"};
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
  std::uint64_t free_bytes_ = std::uint64_t{1} << 40;
  bool held_ = false;
  int waiting_ = 0;
  int log_syncs_ = 0;
};

}  // namespace grey::storage
