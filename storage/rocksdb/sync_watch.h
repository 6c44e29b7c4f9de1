// A file system for RocksDB that notices every failed fsync. RocksDB's statuses do not tell a
// failed fsync from a failed write, but the difference matters: after a failed fsync the kernel may
// have dropped the data and marked the pages clean, so that trying again "succeeds" and loses it
// (Rebello et al., "Can applications recover from fsync failures?", 2020).
#pragma once
#include <rocksdb/file_system.h>

#include <memory>

#include "storage/rocksdb/health.h"

namespace grey::storage {

std::shared_ptr<rocksdb::FileSystem> watch_syncs(std::shared_ptr<rocksdb::FileSystem> underneath,
                                                 std::shared_ptr<Health> health);

}  // namespace grey::storage
