// Small files written so that a crash leaves the old content or the new, never a mixture: temporary
// file, fsync, rename, fsync of the directory.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace grey::storage {

/// The error that errno value `number` stands for; `what` says what was being done, and to what.
Error storage_error(int number, std::string what);

/// An open file, closed at the end.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) noexcept : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor();
  int number() const noexcept { return number_; }

 private:
  int number_ = -1;
};

Result<FileDescriptor> open_file(const std::string& path, int flags);
/// The whole of a file of at most `bytes_max` bytes; storage_corrupt if it is larger.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);
/// Replaces the file `name` in `directory`. What a crash may leave behind is `name`.tmp.
Status write_file_durably(const std::string& directory, const std::string& name,
                          std::string_view content);
/// Makes creations, renames and removals in `directory` durable.
Status sync_directory(const std::string& directory);

}  // namespace grey::storage
