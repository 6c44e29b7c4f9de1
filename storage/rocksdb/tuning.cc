#include "storage/rocksdb/tuning.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace grey::storage {
namespace {

void tune_safety(rocksdb::Options& to) {
  to.paranoid_checks = true;
  // A log cut short at its end is what SIGKILL or a power cut leaves of a write that nobody was
  // told of: tolerated. Damage before the end would lose acknowledged writes: refused, where the
  // default (point-in-time) would silently drop everything behind it.
  to.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  to.track_and_verify_wals_in_manifest = true;  // a synced log that vanished or shrank is noticed
  to.manual_wal_flush = false;
  to.enable_pipelined_write = false;  // nothing is readable before it is in the log
  // Errors are for the node to see, not to be retried underneath it.
  to.max_bgerror_resume_count = 0;
}

void tune_memory(rocksdb::Options& to, const RocksDbOptions& from) {
  to.max_write_buffer_number = 4;
  to.write_buffer_size =
      from.memtable_bytes_max / static_cast<std::size_t>(to.max_write_buffer_number);
  to.min_write_buffer_number_to_merge = 1;
  to.max_total_wal_size = from.wal_bytes_max;
  to.max_open_files = from.open_files_max;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(from.block_cache_bytes);
  // Index and filter blocks live in the cache, so that they are part of the budget.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  table.block_size = 16u << 10;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  to.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
}

void tune_background(rocksdb::Options& to, const RocksDbOptions& from) {
  to.max_background_jobs = from.background_jobs_max;
  to.level_compaction_dynamic_level_bytes = true;
  // The first levels are rewritten soon; below them LZ4 pays for itself.
  to.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression,
                              rocksdb::kLZ4Compression};
  to.bytes_per_sync = 1u << 20;
  to.avoid_unnecessary_blocking_io = true;
  // No background thread that wakes up only to print statistics.
  to.stats_dump_period_sec = 0;
  to.stats_persist_period_sec = 0;
  to.keep_log_file_num = 4;
  to.max_log_file_size = 4u << 20;
  to.info_log_level = rocksdb::WARN_LEVEL;
}

}  // namespace

rocksdb::Options tuned(const RocksDbOptions& options) {
  rocksdb::Options to;
  tune_safety(to);
  tune_memory(to, options);
  tune_background(to, options);
  return to;
}

}  // namespace grey::storage
