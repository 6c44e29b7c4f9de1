// A node's data directory: made once by `greyd init`, opened by one process at a time, and by the
// node whose it is. It refuses to be anything that would make a replica vote from what it does not
// know: an uninitialised directory, another node's, one whose engine data is gone.
//
//   identity      whose it is (identity.h)
//   lock          held with flock while a process uses the directory; says its process id
//   engine/       the storage engine's own
//   initialising  there while init is under way, so that an interrupted one can be done again
//
// Blocking; for the start of a node. Not thread-safe.
#pragma once
#include <functional>
#include <string>

#include "storage/data_directory/durable_file.h"
#include "storage/data_directory/identity.h"

namespace grey::storage {

class DataDirectory {
 public:
  /// Makes an empty engine in the directory that it is given, which does not exist yet.
  using CreateEngine = std::function<Status(const std::string& engine_path)>;

  /// Makes `path` (and its parents) the data directory of `owner`. Fails with not_empty (it has
  /// other content, or is a data directory already), storage_locked, storage_read_only,
  /// storage_full, storage_io, sync_failed, config_bad_value, and what `create_engine` fails with.
  /// Interrupted at any point, it can simply be called again.
  static Status init(const std::string& path, const DirectoryOwner& owner,
                     std::int64_t created_unix_ns, const CreateEngine& create_engine);

  /// Opens the data directory of `expected`, locks it until the object is destroyed, and begins a
  /// new incarnation, durable before this returns. Fails with storage_uninitialised,
  /// storage_foreign, storage_locked, storage_newer_format, storage_corrupt, storage_read_only,
  /// storage_full, storage_io, sync_failed.
  static Result<DataDirectory> open(const std::string& path, const DirectoryOwner& expected);

  /// Whose `path` is, without locking or changing anything.
  static Result<DirectoryIdentity> inspect(const std::string& path);

  /// Of this start: its incarnation was never used before.
  const DirectoryIdentity& identity() const noexcept { return identity_; }
  std::string engine_path() const { return path_ + "/engine"; }

 private:
  DataDirectory(std::string path, FileDescriptor lock, DirectoryIdentity identity)
      : path_(std::move(path)), lock_(std::move(lock)), identity_(std::move(identity)) {}

  std::string path_;
  FileDescriptor lock_;
  DirectoryIdentity identity_;
};

}  // namespace grey::storage
