#include "storage/rocksdb/rocksdb_engine.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <exception>
#include <utility>

#include "storage/rocksdb/background_errors.h"
#include "storage/rocksdb/committer.h"
#include "storage/rocksdb/file_watch.h"
#include "storage/rocksdb/reader_pool.h"
#include "storage/rocksdb/status.h"
#include "storage/rocksdb/tuning.h"

namespace grey::storage {
namespace {

// RocksDB's snapshot, shared with the reads that use it.
struct SnapshotHandle {
  rocksdb::DB& database;
  const rocksdb::Snapshot* snapshot = database.GetSnapshot();
  ~SnapshotHandle() { database.ReleaseSnapshot(snapshot); }
};
using SnapshotPointer = std::shared_ptr<const SnapshotHandle>;

class RocksDbSnapshot final : public Snapshot {
 public:
  explicit RocksDbSnapshot(rocksdb::DB& database)
      : handle_(new SnapshotHandle{.database = database}) {}
  const SnapshotPointer& handle() const { return handle_; }

 private:
  SnapshotPointer handle_;
};

SnapshotPointer handle_of(const Snapshot* snapshot) {
  return snapshot ? static_cast<const RocksDbSnapshot*>(snapshot)->handle() : nullptr;
}

rocksdb::ReadOptions read_options(const SnapshotPointer& snapshot) {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  if (snapshot) options.snapshot = snapshot->snapshot;
  return options;
}

Result<std::optional<Bytes>> read_one(rocksdb::DB& database, const Bytes& key,
                                      const SnapshotPointer& snapshot) {
  Bytes value;
  const auto status = database.Get(read_options(snapshot), key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return std::unexpected(to_error(status, "get"));
  return value;
}

struct Range {
  Bytes first, last;
  std::size_t entries_max, bytes_max;
};

Result<ScanPage> read_page(rocksdb::DB& database, const Range& range,
                           const SnapshotPointer& snapshot) {
  auto options = read_options(snapshot);
  const rocksdb::Slice bound(range.last);
  if (!range.last.empty()) options.iterate_upper_bound = &bound;
  ScanPage page;
  if (!range.last.empty() && range.first >= range.last) return page;
  const std::unique_ptr<rocksdb::Iterator> entry(database.NewIterator(options));
  std::size_t bytes = 0;
  for (entry->Seek(range.first); entry->Valid(); entry->Next()) {
    const std::size_t size = entry->key().size() + entry->value().size();
    const bool full = page.entries.size() >= range.entries_max || bytes + size > range.bytes_max;
    if (full && !page.entries.empty()) {
      page.more = true;
      break;
    }
    bytes += size;
    page.entries.push_back({entry->key().ToString(), entry->value().ToString()});
  }
  if (!entry->status().ok()) return std::unexpected(to_error(entry->status(), "scan"));
  return page;
}

std::size_t size_of(const Result<std::optional<Bytes>>& result) {
  return result && *result ? (*result)->size() : 0;
}

std::size_t size_of(const Result<ScanPage>& result) {
  std::size_t bytes = 0;
  if (!result) return bytes;
  for (const auto& entry : result->entries) bytes += entry.key.size() + entry.value.size();
  return bytes;
}

// An environment for RocksDB whose failures are noted in `health`.
std::unique_ptr<rocksdb::Env> make_environment(const RocksDbOptions& options,
                                               const std::shared_ptr<Health>& health) {
  return rocksdb::NewCompositeEnv(watch_files(
      options.file_system ? options.file_system : rocksdb::FileSystem::Default(), health));
}

// Whether the device that `path` is on has room left; asked with every group of commits, because
// refusing in time is all that can be done: RocksDB does not recover from a log that ran full.
Committer::RoomCheck room_check(rocksdb::FileSystem& files, std::string path,
                                std::uint64_t free_bytes_min) {
  return [&files, path = std::move(path), free_bytes_min]() -> Status {
    std::uint64_t free_bytes = 0;
    const auto status = files.GetFreeSpace(path, rocksdb::IOOptions(), &free_bytes, nullptr);
    if (!status.ok() || free_bytes >= free_bytes_min) return {};
    return fail(ErrorCode::storage_full,
                path + ": " + std::to_string(free_bytes >> 20) + " MiB are free, " +
                    std::to_string(free_bytes_min >> 20) + " MiB are kept; free some space");
  };
}

}  // namespace

struct RocksDbEngine::Parts {
  std::shared_ptr<Health> health = std::make_shared<Health>();
  std::shared_ptr<Mailbox> mailbox;
  std::unique_ptr<rocksdb::Env> environment;
  std::unique_ptr<rocksdb::DB> database;
  std::unique_ptr<ReaderPool> readers;
  std::unique_ptr<Committer> committer;

  template <typename R>
  void read(std::move_only_function<void(Result<R>)> done,
            std::move_only_function<Result<R>(rocksdb::DB&)> look);
};

template <typename R>
void RocksDbEngine::Parts::read(std::move_only_function<void(Result<R>)> done,
                                std::move_only_function<Result<R>(rocksdb::DB&)> look) {
  Result<R> refusal = fail(ErrorCode::overloaded, "too many reads are queued");
  const auto fatal = health->fatal();
  const bool sync_failed = fatal && fatal->code == ErrorCode::sync_failed;
  if (!sync_failed && !readers->full()) {
    return readers->submit([this, done = std::move(done), look = std::move(look)]() mutable {
      Result<R> result = fail(ErrorCode::storage_io);
      try {
        result = look(*database);
      } catch (const std::exception& exception) {
        result = fail(ErrorCode::storage_io, std::string("read: ") + exception.what());
      }
      const std::size_t bytes = size_of(result);
      return ReaderPool::Finished{[done = std::move(done), result = std::move(result)]() mutable {
                                    done(std::move(result));
                                  },
                                  bytes};
    });
  }
  if (sync_failed) refusal = std::unexpected(*fatal);
  mailbox->deliver(Task([done = std::move(done), refusal = std::move(refusal)]() mutable {
    done(std::move(refusal));
  }));
}

Status RocksDbEngine::create(const std::string& path, const RocksDbOptions& options) {
  try {
    const auto health = std::make_shared<Health>();
    const auto environment = make_environment(options, health);
    auto tuning = tuned(options);
    tuning.env = environment.get();
    tuning.create_if_missing = true;
    tuning.error_if_exists = true;
    rocksdb::DB* opened = nullptr;
    auto status = rocksdb::DB::Open(tuning, path, &opened);
    const std::unique_ptr<rocksdb::DB> database(opened);
    if (status.ok()) status = database->Close();
    if (auto fatal = health->fatal()) return std::unexpected(*std::move(fatal));
    if (!status.ok()) return std::unexpected(to_error(status, "creating the database in " + path));
    return {};
  } catch (const std::exception& exception) {
    return fail(ErrorCode::storage_io, path + ": " + exception.what());
  }
}

Result<std::unique_ptr<RocksDbEngine>> RocksDbEngine::open(const std::string& path,
                                                           RocksDbOptions options,
                                                           transport::Executor& executor) {
  try {
    auto parts = std::make_unique<Parts>();
    parts->mailbox = std::make_shared<Mailbox>(executor);
    parts->environment = make_environment(options, parts->health);
    auto tuning = tuned(options);
    tuning.env = parts->environment.get();
    tuning.listeners.push_back(std::make_shared<BackgroundErrors>(parts->health, parts->mailbox,
                                                                  options.on_background_error));
    rocksdb::DB* opened = nullptr;
    const auto status = rocksdb::DB::Open(tuning, path, &opened);
    parts->database.reset(opened);
    if (auto fatal = parts->health->fatal()) return std::unexpected(*std::move(fatal));
    if (!status.ok()) return std::unexpected(to_error(status, "opening the database in " + path));
    parts->readers = std::make_unique<ReaderPool>(options.reader_threads, options.reads_queued_max,
                                                  options.read_results_bytes_max, parts->mailbox);
    parts->committer = std::make_unique<Committer>(
        *parts->database,
        Committer::Limits{options.commit_queue_bytes_max, options.group_bytes_max},
        room_check(*parts->environment->GetFileSystem(), path, options.free_bytes_min),
        parts->health, parts->mailbox);
    return std::unique_ptr<RocksDbEngine>(new RocksDbEngine(std::move(parts)));
  } catch (const std::exception& exception) {
    return fail(ErrorCode::storage_io, path + ": " + exception.what());
  }
}

RocksDbEngine::RocksDbEngine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

RocksDbEngine::~RocksDbEngine() {
  parts_->mailbox->close();
  parts_->committer.reset();
  parts_->readers.reset();
  parts_->database->Close().PermitUncheckedError();
}

void RocksDbEngine::commit(WriteBatch batch, Durability durability, CommitCallback done) {
  parts_->committer->commit(std::move(batch), durability, std::move(done));
}

void RocksDbEngine::get(ByteView key, const Snapshot* snapshot, GetCallback done) {
  parts_->read<std::optional<Bytes>>(
      std::move(done),
      [key = Bytes(key), handle = handle_of(snapshot)](rocksdb::DB& database) mutable {
        return read_one(database, key, std::exchange(handle, nullptr));
      });
}

void RocksDbEngine::scan(ByteView first, ByteView last, std::size_t entries_max,
                         std::size_t bytes_max, const Snapshot* snapshot, ScanCallback done) {
  parts_->read<ScanPage>(std::move(done),
                         [range = Range{Bytes(first), Bytes(last), entries_max, bytes_max},
                          handle = handle_of(snapshot)](rocksdb::DB& database) mutable {
                           return read_page(database, range, std::exchange(handle, nullptr));
                         });
}

std::unique_ptr<Snapshot> RocksDbEngine::snapshot() {
  return std::make_unique<RocksDbSnapshot>(*parts_->database);
}

Status RocksDbEngine::health() const {
  if (auto fatal = parts_->health->fatal()) return std::unexpected(*std::move(fatal));
  return {};
}

}  // namespace grey::storage
