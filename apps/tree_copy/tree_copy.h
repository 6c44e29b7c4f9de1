// Copies directory trees into a cluster and back: path -> content, many operations at a time. An
// import also stores a manifest (path, size, SHA-256 of every file) under keys of its own, so that
// an export or a check needs no listing of keys:
//
//   <prefix><path>                      the file's content
//   <prefix>.grey-manifest/<page>       lines "sha256 size path"; page 0 starts with "pages N"
//
// Each ends early (Report::gave_up) once twice `concurrency` operations in a row have failed.
//
// Blocking; not thread-safe.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include <grey/sync_client.h>

#include "apps/tree_copy/report.h"
#include "apps/tree_copy/source_tree.h"
#include "base/error.h"

namespace grey::tree_copy {

struct CopyOptions {
  std::string prefix;  // of every key
  std::size_t concurrency = 32;
  std::uint64_t bytes_in_flight_max = 16u << 20;
  /// Called often, on the calling thread: files and bytes done so far.
  std::function<void(std::uint64_t files, std::uint64_t bytes)> on_progress = {};
};

/// Puts every file of the tree, then the manifest.
Report import_tree(SyncClient& client, const SourceTree& tree, const CopyOptions& options);

/// Reads every file of the tree back and compares its SHA-256 with the file's.
Report verify_tree(SyncClient& client, const SourceTree& tree, const CopyOptions& options);

/// What an import stored under the prefix, by its manifest. Fails with not_found, and the client's
/// errors.
Result<SourceTree> read_manifest(SyncClient& client, const CopyOptions& options);

/// Writes every file of the manifest below `target`, checking each one's SHA-256.
Report export_tree(SyncClient& client, const SourceTree& manifest, const std::string& target,
                   const CopyOptions& options);

}  // namespace grey::tree_copy
