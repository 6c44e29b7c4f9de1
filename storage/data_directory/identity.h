// Whose data a directory holds, as a small text file that people can read:
//
//   format: 1
//   cluster: prod-eu
//   node: 3
//   engine: rocksdb
//   topology: 8f61c05be2d7a493
//   incarnation: 7
//   created_unix_ns: 1790000000000000000
//   checksum: 5f0c2b8e9d114a37
//
// The checksum is XXH3-64, in hexadecimal, of every byte before its line. A later format keeps the
// first line and the last, so that this version can tell it from damage.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/ids.h"

namespace grey::storage {

/// Who data belongs to, and which engine it is stored with.
struct DirectoryOwner {
  std::string cluster;  // 1 to 64 printable ASCII characters without spaces
  NodeId node = 0;
  std::string engine;  // Engine::name()
  /// The hash of the topology (cluster/ring/topology.h): with another one, keys would be looked for
  /// where they are not.
  std::uint64_t topology_hash = 0;
  /// "node 3 of cluster prod-eu, engine rocksdb, topology 8f61c05be2d7a493".
  std::string to_string() const;
  friend bool operator==(const DirectoryOwner&, const DirectoryOwner&) = default;
};

struct DirectoryIdentity {
  DirectoryOwner owner;
  std::uint64_t incarnation = 0;  // of the last start; 0: never started
  std::int64_t created_unix_ns = 0;
  friend bool operator==(const DirectoryIdentity&, const DirectoryIdentity&) = default;
};

/// Fails with config_bad_value, saying what is wrong.
Status check_owner(const DirectoryOwner& owner);

std::string format_identity(const DirectoryIdentity& identity);

/// `where` names the file in errors. Fails with storage_corrupt, storage_newer_format.
Result<DirectoryIdentity> parse_identity(std::string_view text, const std::string& where);

}  // namespace grey::storage
