#include "storage/rocksdb/resume.h"

#include <rocksdb/file_system.h>

#include <memory>

#include "base/bytes.h"
#include "storage/rocksdb/status.h"

namespace grey::storage {
namespace {

constexpr std::size_t probe_bytes = 1u << 20;

// RocksDB takes no notice of a table file without a number, should it ever be left behind.
constexpr const char* probe_name = "/room.sst";

rocksdb::IOStatus write_probe(rocksdb::FileSystem& files, const std::string& path) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  auto status = files.NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (!status.ok()) return status;
  status = file->Append(Bytes(probe_bytes, '\0'), rocksdb::IOOptions(), nullptr);
  const auto closed = file->Close(rocksdb::IOOptions(), nullptr);
  return status.ok() ? closed : status;
}

}  // namespace

Status resume(rocksdb::DB& database) {
  rocksdb::FileSystem& files = *database.GetFileSystem();
  const std::string path = database.GetName() + probe_name;
  const auto room = write_probe(files, path);
  files.DeleteFile(path, rocksdb::IOOptions(), nullptr).PermitUncheckedError();
  if (!room.ok()) return std::unexpected(to_error(room, "trying whether there is room again"));
  const auto resumed = database.Resume();
  if (!resumed.ok()) return std::unexpected(to_error(resumed, "resuming"));
  return {};
}

}  // namespace grey::storage
