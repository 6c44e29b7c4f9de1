#include "apps/greyctl/dev_directory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace grey::ctl {

namespace {

namespace fs = std::filesystem;

std::string node_directory(const std::string& directory, std::size_t node) {
  return directory + "/node" + std::to_string(node);
}

// With another number of nodes keys would be looked for where they are not.
Status check_nodes(const std::string& directory, std::size_t nodes) {
  std::error_code ignored;
  std::size_t there = 0;
  while (fs::exists(node_directory(directory, there + 1), ignored)) ++there;
  if (there == 0 || there == nodes) return {};
  return fail(ErrorCode::usage, directory + " holds a cluster of " + std::to_string(there) +
                                    " nodes: use --nodes " + std::to_string(there) +
                                    ", another --data-dir, or remove it");
}

}  // namespace

Result<DevDirectory> DevDirectory::make_temporary() {
  std::error_code error;
  std::string pattern = fs::temp_directory_path(error).string() + "/grey-dev-XXXXXX";
  if (error || ::mkdtemp(pattern.data()) == nullptr) {
    return fail(ErrorCode::file_error,
                "no temporary directory (" + pattern + "): " + std::strerror(errno));
  }
  DevDirectory out;
  out.path_ = pattern;
  out.temporary_ = true;
  return out;
}

Result<DevDirectory> DevDirectory::open(const std::string& path, std::size_t nodes) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail(ErrorCode::file_error, path + ": " + error.message());
  DevDirectory out;
  out.path_ = path;
  if (Status locked = out.lock(); !locked) return std::unexpected(locked.error());
  if (Status fits = check_nodes(path, nodes); !fits) return std::unexpected(fits.error());
  return out;
}

Status DevDirectory::lock() {
  const std::string file = path_ + "/lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) return fail(ErrorCode::file_error, file + ": " + std::strerror(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  return fail(ErrorCode::storage_locked, path_ + " is in use by another `greyctl dev`");
}

DevDirectory::DevDirectory(DevDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      temporary_(std::exchange(other.temporary_, false)),
      lock_(std::exchange(other.lock_, -1)) {}

DevDirectory::~DevDirectory() {
  if (lock_ >= 0) ::close(lock_);
  std::error_code ignored;
  if (temporary_) fs::remove_all(path_, ignored);
}

}  // namespace grey::ctl
