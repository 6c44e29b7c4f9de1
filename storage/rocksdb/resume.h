// Brings RocksDB back to work after its background threads found the device full.
//
// A Resume() that fails is worse than none: if another table waits to be written meanwhile, its
// place in RocksDB 7.8's flush queue stays taken with nobody to work on it, and the next Resume()
// waits for it for ever (DBImpl::BackgroundFlush returns before it takes from the queue). So this
// tries the device first, by a file of its own.
#pragma once
#include <rocksdb/db.h>

#include "base/error.h"

namespace grey::storage {

/// Fails, with RocksDB as it was, while the device takes no new file (storage_full, or what it
/// says); otherwise whether it resumed. Blocks for one flush.
Status resume(rocksdb::DB& database);

}  // namespace grey::storage
