// RocksDB's statuses as errors of ours.
#pragma once
#include <rocksdb/status.h>

#include <string_view>

#include "base/error.h"

namespace grey::storage {

/// The error that `status` (not ok) stands for; `what` says what was being done, and to what.
Error to_error(const rocksdb::Status& status, std::string_view what);

}  // namespace grey::storage
