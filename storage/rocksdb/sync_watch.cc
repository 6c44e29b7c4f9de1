#include "storage/rocksdb/sync_watch.h"

#include <string>
#include <utility>

namespace grey::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// Notes a failed sync of one file or directory.
class SyncReport {
 public:
  SyncReport(std::string path, std::shared_ptr<Health> health)
      : path_(std::move(path)), health_(std::move(health)) {}

  IOStatus check(IOStatus status) const {
    if (!status.ok() && !status.IsNotSupported()) {
      health_->note_failed_sync(
          {ErrorCode::sync_failed,
           path_ + ": " + status.ToString() + "; check the device, then start the node again"});
    }
    return status;
  }

 private:
  std::string path_;
  std::shared_ptr<Health> health_;
};

class WatchedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WatchedFile(std::unique_ptr<rocksdb::FSWritableFile> file, SyncReport report)
      : FSWritableFileOwnerWrapper(std::move(file)), report_(std::move(report)) {}
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    return report_.check(target()->Sync(options, context));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return report_.check(target()->Fsync(options, context));
  }
  IOStatus RangeSync(std::uint64_t offset, std::uint64_t size, const IOOptions& options,
                     IODebugContext* context) override {
    return report_.check(target()->RangeSync(offset, size, options, context));
  }

 private:
  SyncReport report_;
};

class WatchedDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  WatchedDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, SyncReport report)
      : FSDirectoryWrapper(std::move(directory)), report_(std::move(report)) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return report_.check(FSDirectoryWrapper::Fsync(options, context));
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* context,
                               const rocksdb::DirFsyncOptions& which) override {
    return report_.check(FSDirectoryWrapper::FsyncWithDirOptions(options, context, which));
  }

 private:
  SyncReport report_;
};

class SyncWatch final : public rocksdb::FileSystemWrapper {
 public:
  SyncWatch(std::shared_ptr<rocksdb::FileSystem> underneath, std::shared_ptr<Health> health)
      : FileSystemWrapper(std::move(underneath)), health_(std::move(health)) {}
  const char* Name() const override { return "GreySyncWatch"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* context) override {
    return wrap(path, file, target()->NewWritableFile(path, options, file, context));
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* context) override {
    return wrap(path, file, target()->ReopenWritableFile(path, options, file, context));
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                             const FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                             IODebugContext* context) override {
    return wrap(path, file, target()->ReuseWritableFile(path, old_path, options, file, context));
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext* context) override {
    IOStatus status = target()->NewDirectory(path, options, directory, context);
    if (status.ok()) {
      *directory =
          std::make_unique<WatchedDirectory>(std::move(*directory), SyncReport(path, health_));
    }
    return status;
  }

 private:
  IOStatus wrap(const std::string& path, std::unique_ptr<rocksdb::FSWritableFile>* file,
                IOStatus status) const {
    if (status.ok()) {
      *file = std::make_unique<WatchedFile>(std::move(*file), SyncReport(path, health_));
    }
    return status;
  }

  std::shared_ptr<Health> health_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> watch_syncs(std::shared_ptr<rocksdb::FileSystem> underneath,
                                                 std::shared_ptr<Health> health) {
  return std::make_shared<SyncWatch>(std::move(underneath), std::move(health));
}

}  // namespace grey::storage
