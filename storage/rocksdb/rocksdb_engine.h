// The storage engine of real nodes: RocksDB behind threads of its own. One committer thread makes
// one synced write of everything that is queued (group commit); a few readers serve gets and scans;
// completions travel to the executor in bundles. Memory is bounded by the options below. A failed
// fsync, corruption found by a write and a broken device end the engine's service (health()).
//
// Opening and destroying block: they are for the start and the end of a node. Destroying drains:
// every queued commit is still written and synced, but no callback comes any more.
//
// Thread-safety: all methods are for the executor's thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "storage/engine.h"
#include "transport/executor.h"

namespace rocksdb {
class FileSystem;
}

namespace grey::storage {

struct RocksDbOptions {
  // What the engine may hold in memory; the sum is its part of the node's budget.
  std::size_t block_cache_bytes = 64u << 20;       // data, index and filter blocks that are cached
  std::size_t memtable_bytes_max = 64u << 20;      // written, not yet in a table file
  std::size_t commit_queue_bytes_max = 64u << 20;  // commits beyond it are refused: overloaded
  std::size_t read_results_bytes_max = 64u
                                       << 20;  // read, not yet delivered; readers wait beyond it
  std::size_t reads_queued_max = 16384;        // reads beyond it are refused: overloaded

  std::size_t group_bytes_max = 8u << 20;  // of one write to the log (one commit may be larger)
  std::uint64_t wal_bytes_max = 256u << 20;
  /// Commits that add data are refused (storage_full) while the device has less than this left:
  /// room for what is in memory and for compaction.
  std::uint64_t free_bytes_min = 128u << 20;
  int reader_threads = 2;
  int background_jobs_max = 2;
  int open_files_max = 512;

  /// Called on the executor's thread with each error of RocksDB's own background work.
  std::function<void(const Error&)> on_background_error = {};
  /// The file system underneath; null for the machine's. Tests inject faults here.
  std::shared_ptr<rocksdb::FileSystem> file_system = {};
};

class RocksDbEngine final : public Engine {
 public:
  /// Makes an empty database in the directory `path`, which is empty or does not exist yet.
  /// Apart from open(), so that a database that vanished is noticed and never starts afresh: a
  /// replica that forgot its promises must not vote. Fails with not_empty, storage_read_only,
  /// storage_full, storage_io.
  static Status create(const std::string& path, const RocksDbOptions& options = {});

  /// Opens the database in `path`, recovering its log. Fails with storage_uninitialised (none
  /// there), storage_locked, storage_corrupt, storage_read_only, storage_full, storage_io.
  static Result<std::unique_ptr<RocksDbEngine>> open(const std::string& path,
                                                     RocksDbOptions options,
                                                     transport::Executor& executor);
  ~RocksDbEngine() override;
  RocksDbEngine(const RocksDbEngine&) = delete;
  RocksDbEngine& operator=(const RocksDbEngine&) = delete;

  void commit(WriteBatch batch, Durability durability, CommitCallback done) override;
  void get(ByteView key, const Snapshot* snapshot, GetCallback done) override;
  void scan(ByteView first, ByteView last, std::size_t entries_max, std::size_t bytes_max,
            const Snapshot* snapshot, ScanCallback done) override;
  std::unique_ptr<Snapshot> snapshot() override;
  std::string_view name() const override { return "rocksdb"; }

  /// The error that ended the engine's service (a failed fsync or log write, corruption, a broken
  /// device): every commit fails with it until the engine is opened again. A commit refused with
  /// storage_full while this is sound can be tried again when there is room.
  Status health() const;

 private:
  struct Parts;
  explicit RocksDbEngine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace grey::storage
