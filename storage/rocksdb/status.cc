#include "storage/rocksdb/status.h"

#include <string>

namespace grey::storage {
namespace {

struct TextRule {
  std::string_view text;
  ErrorCode code;
  std::string_view advice;
};

// RocksDB tells only a few errno values apart; the others are in its text, which is strerror's.
constexpr TextRule text_rules[] = {
    {"does not exist (create_if_missing is false)", ErrorCode::storage_uninitialised,
     "there is no database here, or it was deleted"},
    {"/LOCK:", ErrorCode::storage_locked, "another process has it open; stop that one first"},
    {"lock hold by current process", ErrorCode::storage_locked, "this process has it open already"},
    {"Read-only file system", ErrorCode::storage_read_only, "mount it for writing"},
    {"Permission denied", ErrorCode::storage_read_only,
     "check the owner and mode of the directory"},
    {"Operation not permitted", ErrorCode::storage_read_only,
     "check the owner and mode of the directory"},
    {"Disk quota exceeded", ErrorCode::storage_full, "free space or raise the quota"},
    {"File too large", ErrorCode::storage_full, "a file size limit applies (ulimit -f)"},
    {"exists (error_if_exists is true)", ErrorCode::not_empty, "there is a database already"},
};

Error make(ErrorCode code, std::string_view what, const std::string& text,
           std::string_view advice) {
  Error error{code, std::string(what)};
  error.detail += ": ";
  error.detail += text;
  if (!advice.empty()) {
    error.detail += "; ";
    error.detail += advice;
  }
  return error;
}

}  // namespace

Error to_error(const rocksdb::Status& status, std::string_view what) {
  const std::string text = status.ToString();
  if (status.IsNoSpace()) return make(ErrorCode::storage_full, what, text, "free some space");
  for (const auto& rule : text_rules) {
    if (text.find(rule.text) != std::string::npos) return make(rule.code, what, text, rule.advice);
  }
  if (status.IsCorruption()) {
    return make(ErrorCode::storage_corrupt, what, text,
                "check the device; replace this replica's data from the others");
  }
  return make(ErrorCode::storage_io, what, text, "check the device and the kernel's log");
}

}  // namespace grey::storage
