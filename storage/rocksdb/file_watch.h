// A file system for RocksDB that notices what RocksDB's statuses do not tell apart and must not be
// tried again:
//  - a failed fsync of any file: the kernel may have dropped the data and marked the pages clean,
//  so
//    that a retry "succeeds" and loses it (Rebello et al., "Can applications recover from fsync
//    failures?", 2020);
//  - a failed write of the log: its end is unknown, and RocksDB 7.8 does not move on to a new log
//    when it resumes with an empty memtable (it asserts on the old one's next write).
// Both end service until the node starts again and recovers the log.
#pragma once
#include <rocksdb/file_system.h>

#include <memory>

#include "storage/rocksdb/health.h"

namespace grey::storage {

std::shared_ptr<rocksdb::FileSystem> watch_files(std::shared_ptr<rocksdb::FileSystem> underneath,
                                                 std::shared_ptr<Health> health);

}  // namespace grey::storage
