// Our options as RocksDB's. docs/adr/0003-disk-layout.md has the reasons at length.
#pragma once
#include <rocksdb/options.h>

#include "storage/rocksdb/rocksdb_engine.h"

namespace grey::storage {

/// Everything but the environment and the listeners.
rocksdb::Options tuned(const RocksDbOptions& options);

}  // namespace grey::storage
