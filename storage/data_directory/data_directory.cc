#include "storage/data_directory/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace grey::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t identity_bytes_max = 4096;
constexpr const char* identity_name = "identity";
constexpr const char* lock_name = "lock";
constexpr const char* marker_name = "initialising";
constexpr const char* engine_name = "engine";

std::string in(const std::string& directory, const char* name) { return directory + "/" + name; }

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

std::unexpected<Error> failed(const std::error_code& error, std::string what) {
  return std::unexpected(storage_error(error.value(), std::move(what)));
}

// Creates `path` and its missing parents, each durable in its own parent.
Status make_directories(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  if (exists(path)) return fail(ErrorCode::not_empty, path.string() + " is not a directory");
  const fs::path parent = fs::absolute(path).lexically_normal().parent_path();
  if (auto status = make_directories(parent); !status) return status;
  if (!fs::create_directory(path, error) && error) {
    return failed(error, "creating " + path.string());
  }
  return sync_directory(parent);
}

// True for what an interrupted init may have left. A file system's root has lost+found.
bool is_ours(const std::string& name, bool interrupted) {
  if (name == lock_name || name == "lost+found") return true;
  return interrupted &&
         (name == marker_name || name == engine_name ||
          name == std::string(identity_name) + ".tmp" || name == std::string(marker_name) + ".tmp");
}

Status check_nothing_foreign(const std::string& path) {
  const bool interrupted = exists(in(path, marker_name)) || exists(in(path, marker_name) + ".tmp");
  std::error_code error;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!is_ours(name, interrupted)) {
      return fail(ErrorCode::not_empty, path + " holds other files (\"" + name +
                                            "\"); choose a directory that is empty or new");
    }
  }
  if (error) return failed(error, "listing " + path);
  return {};
}

Status refuse_if_initialised(const std::string& path) {
  if (!exists(in(path, identity_name))) return {};
  const auto identity = DataDirectory::inspect(path);
  return fail(ErrorCode::not_empty,
              path + " is a data directory already, of " +
                  (identity ? identity->owner.to_string() : identity.error().message()) +
                  "; start greyd on it, or choose another directory");
}

Result<FileDescriptor> take_lock(const std::string& path) {
  const std::string file = in(path, lock_name);
  auto lock = open_file(file, O_RDWR | O_CREAT);
  if (!lock) return lock;
  if (::flock(lock->number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return std::unexpected(storage_error(errno, "locking " + file));
    const auto holder = read_file(file, 64);
    return fail(ErrorCode::storage_locked, path + " is in use by process " +
                                               (holder && !holder->empty() ? *holder : "?") +
                                               "; stop that one first");
  }
  const std::string self = std::to_string(::getpid());
  // Only for people; a failure shows up in the writes that matter.
  if (::ftruncate(lock->number(), 0) == 0) {
    [[maybe_unused]] const auto written = ::pwrite(lock->number(), self.data(), self.size(), 0);
  }
  return lock;
}

Status remove_durably(const std::string& directory, const char* name) {
  std::error_code error;
  fs::remove_all(in(directory, name), error);
  if (error) return failed(error, "removing " + in(directory, name));
  return sync_directory(directory);
}

}  // namespace

Result<DirectoryIdentity> DataDirectory::inspect(const std::string& path) {
  const std::string file = in(path, identity_name);
  if (!exists(file)) {
    std::string reason = path + " does not exist";
    if (exists(in(path, marker_name))) {
      reason = path + ": an earlier init was interrupted; run it again";
    } else if (exists(path)) {
      reason = path + " has no file \"identity\"";
    }
    return fail(ErrorCode::storage_uninitialised, std::move(reason));
  }
  const auto text = read_file(file, identity_bytes_max);
  if (!text) return std::unexpected(text.error());
  return parse_identity(*text, file);
}

Status DataDirectory::init(const std::string& path, const DirectoryOwner& owner,
                           std::int64_t created_unix_ns, const CreateEngine& create_engine) {
  if (auto status = check_owner(owner); !status) return status;
  if (auto status = make_directories(path); !status) return status;
  if (auto status = refuse_if_initialised(path); !status) return status;
  if (auto status = check_nothing_foreign(path); !status) return status;
  const auto lock = take_lock(path);
  if (!lock) return std::unexpected(lock.error());
  if (auto status = refuse_if_initialised(path); !status) return status;  // just now, by another

  if (auto status = write_file_durably(path, marker_name, ""); !status) return status;
  if (auto status = remove_durably(path, engine_name); !status) return status;
  if (auto status = create_engine(in(path, engine_name)); !status) return status;
  if (auto status = sync_directory(path); !status) return status;
  const DirectoryIdentity identity{owner, 0, created_unix_ns};
  if (auto status = write_file_durably(path, identity_name, format_identity(identity)); !status) {
    return status;
  }
  return remove_durably(path, marker_name);
}

Result<DataDirectory> DataDirectory::open(const std::string& path, const DirectoryOwner& expected) {
  // First without a lock, so that a directory that is not ours is left untouched.
  if (auto found = inspect(path); !found) return std::unexpected(found.error());
  auto lock = take_lock(path);
  if (!lock) return std::unexpected(lock.error());
  auto identity = inspect(path);
  if (!identity) return std::unexpected(identity.error());
  if (identity->owner != expected) {
    std::string what =
        path + " belongs to " + identity->owner.to_string() + "; this is " + expected.to_string();
    DirectoryOwner same_topology = identity->owner;
    same_topology.topology_hash = expected.topology_hash;
    if (same_topology == expected) {
      what +=
          "; a cluster's nodes, racks, zones, replication factor, virtual nodes and epoch stay as "
          "they were when it was initialised";
    }
    return fail(ErrorCode::storage_foreign, std::move(what));
  }
  if (!exists(in(path, engine_name))) {
    return fail(ErrorCode::storage_corrupt,
                in(path, engine_name) +
                    " is gone; replace this replica's data from the others, do not init again");
  }
  ++identity->incarnation;
  if (auto status = write_file_durably(path, identity_name, format_identity(*identity)); !status) {
    return std::unexpected(status.error());
  }
  return DataDirectory(path, std::move(*lock), std::move(*identity));
}

}  // namespace grey::storage
