// The directory of a development cluster: made or found, locked against a second greyctl, and, if
// it is a temporary one, removed at the end.
#pragma once
#include <string>

#include "base/error.h"

namespace grey::ctl {

class DevDirectory {
 public:
  /// A new one, to be removed with this object.
  static Result<DevDirectory> make_temporary();
  /// This one, made if it is not there. It holds a cluster of `nodes` nodes or none yet. Fails with
  /// file_error, storage_locked (another greyctl uses it) and usage.
  static Result<DevDirectory> open(const std::string& path, std::size_t nodes);

  ~DevDirectory();
  DevDirectory(DevDirectory&& other) noexcept;
  DevDirectory& operator=(DevDirectory&&) = delete;

  const std::string& path() const noexcept { return path_; }
  bool is_temporary() const noexcept { return temporary_; }

 private:
  DevDirectory() = default;
  Status lock();

  std::string path_;
  bool temporary_ = false;
  int lock_ = -1;
};

}  // namespace grey::ctl
