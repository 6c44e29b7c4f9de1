// A directory tree as a set of keys and values: relative paths and file contents.
//
// Blocking; thread-safe (no state).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace grey::tree_copy {

struct SourceFile {
  std::string path;  // relative to the root, with '/'
  std::uint64_t bytes = 0;
  std::string sha256 = {};  // lower-case hexadecimal; empty: not known
};

struct SourceTree {
  std::string root;
  std::vector<SourceFile> files;  // in order of their paths
  std::uint64_t bytes = 0;
  /// What is left out and why: "path: reason".
  std::vector<std::string> skipped;
};

/// Regular files, and links to regular files, below `root`. Links to directories are left out (they
/// could form cycles), as are sockets, devices and what cannot be read. Fails with file_error.
Result<SourceTree> scan_tree(const std::string& root);

/// The file's whole content. Fails with file_error.
Result<std::string> read_file(const std::string& root, const std::string& path);
/// Writes below `root`, making directories; refuses paths that would leave it. Fails with
/// file_error.
Status write_file(const std::string& root, const std::string& path, const std::string& content);

/// In lower-case hexadecimal.
std::string sha256_hex(const std::string& content);

}  // namespace grey::tree_copy
