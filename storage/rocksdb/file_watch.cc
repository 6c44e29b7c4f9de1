#include "storage/rocksdb/file_watch.h"

#include <string>
#include <utility>

#include "storage/rocksdb/status.h"

namespace grey::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// Notes the failures of one file or directory.
class FileReport {
 public:
  FileReport(std::string path, std::shared_ptr<Health> health)
      : path_(std::move(path)), health_(std::move(health)) {}

  IOStatus sync_done(IOStatus status) const {
    if (!status.ok() && !status.IsNotSupported()) {
      health_->note_fatal(
          {ErrorCode::sync_failed,
           path_ + ": " + status.ToString() + "; check the device, then start the node again"});
    }
    return status;
  }
  IOStatus append_done(IOStatus status) const {
    if (!status.ok() && path_.ends_with(".log")) {
      Error error = to_error(status, "writing the log " + path_);
      error.detail += "; then start the node again";
      health_->note_fatal(std::move(error));
    }
    return status;
  }

 private:
  std::string path_;
  std::shared_ptr<Health> health_;
};

class WatchedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WatchedFile(std::unique_ptr<rocksdb::FSWritableFile> file, FileReport report)
      : FSWritableFileOwnerWrapper(std::move(file)), report_(std::move(report)) {}
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* context) override {
    return report_.append_done(target()->Append(data, options, context));
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* context) override {
    return report_.append_done(target()->Append(data, options, verification, context));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    return report_.sync_done(target()->Sync(options, context));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return report_.sync_done(target()->Fsync(options, context));
  }
  IOStatus RangeSync(std::uint64_t offset, std::uint64_t size, const IOOptions& options,
                     IODebugContext* context) override {
    return report_.sync_done(target()->RangeSync(offset, size, options, context));
  }

 private:
  FileReport report_;
};

class WatchedDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  WatchedDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, FileReport report)
      : FSDirectoryWrapper(std::move(directory)), report_(std::move(report)) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return report_.sync_done(FSDirectoryWrapper::Fsync(options, context));
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* context,
                               const rocksdb::DirFsyncOptions& which) override {
    return report_.sync_done(FSDirectoryWrapper::FsyncWithDirOptions(options, context, which));
  }

 private:
  FileReport report_;
};

class FileWatch final : public rocksdb::FileSystemWrapper {
 public:
  FileWatch(std::shared_ptr<rocksdb::FileSystem> underneath, std::shared_ptr<Health> health)
      : FileSystemWrapper(std::move(underneath)), health_(std::move(health)) {}
  const char* Name() const override { return "GreyFileWatch"; }

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
          std::make_unique<WatchedDirectory>(std::move(*directory), FileReport(path, health_));
    }
    return status;
  }

 private:
  IOStatus wrap(const std::string& path, std::unique_ptr<rocksdb::FSWritableFile>* file,
                IOStatus status) const {
    if (status.ok()) {
      *file = std::make_unique<WatchedFile>(std::move(*file), FileReport(path, health_));
    }
    return status;
  }

  std::shared_ptr<Health> health_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> watch_files(std::shared_ptr<rocksdb::FileSystem> underneath,
                                                 std::shared_ptr<Health> health) {
  return std::make_shared<FileWatch>(std::move(underneath), std::move(health));
}

}  // namespace grey::storage
