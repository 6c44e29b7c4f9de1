#include "storage/data_directory/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace grey::storage {
namespace {

ErrorCode code_of(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::storage_full;
    case EROFS:
    case EACCES:
    case EPERM:
      return ErrorCode::storage_read_only;
    default:
      return ErrorCode::storage_io;
  }
}

std::unexpected<Error> failed(std::string what) {
  return std::unexpected(storage_error(errno, std::move(what)));
}

Status write_all(int file, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("writing " + path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status sync(int file, const std::string& path) {
  if (::fsync(file) == 0) return {};
  return fail(ErrorCode::sync_failed, "fsync of " + path + ": " + std::strerror(errno));
}

}  // namespace

Error storage_error(int number, std::string what) {
  return {code_of(number), std::move(what) + ": " + std::strerror(number)};
}

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) ::close(number_);
}

Result<FileDescriptor> open_file(const std::string& path, int flags) {
  const int number = ::open(path.c_str(), flags | O_CLOEXEC, 0640);
  if (number < 0) return failed("opening " + path);
  return FileDescriptor(number);
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const auto file = open_file(path, O_RDONLY);
  if (!file) return std::unexpected(file.error());
  std::string content(bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(file->number(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("reading " + path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > bytes_max) return fail(ErrorCode::storage_corrupt, path + " is far too large");
  content.resize(size);
  return content;
}

Status write_file_durably(const std::string& directory, const std::string& name,
                          std::string_view content) {
  const std::string path = directory + "/" + name, temporary = path + ".tmp";
  {
    const auto file = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file) return std::unexpected(file.error());
    if (auto status = write_all(file->number(), content, temporary); !status) return status;
    if (auto status = sync(file->number(), temporary); !status) return status;
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return failed("renaming to " + path);
  return sync_directory(directory);
}

Status sync_directory(const std::string& directory) {
  const auto file = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!file) return std::unexpected(file.error());
  return sync(file->number(), directory);
}

}  // namespace grey::storage
