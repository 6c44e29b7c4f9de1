// The storage engine seam: an ordered map of byte strings with atomic durable batches. Engines know
// nothing of registers, ballots or tenants; those are in the record formats above.
//
// Asynchronous, because engine calls block: an engine runs its work on threads of its own and hands
// each completion to the executor it was opened with. Completions of commit() come in the order of
// the calls. After an engine reports sync_failed or storage_corrupt for a commit it accepts nothing
// more: the node must stop (retrying an fsync that failed loses data; see Rebello et al., "Can
// applications recover from fsync failures?", 2020).
//
// Thread-safety: all methods are for the executor's thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace grey::storage {

/// Changes applied together or not at all. Later changes of the same key win.
class WriteBatch {
 public:
  struct Change {
    Bytes key;
    std::optional<Bytes> value;  // none: delete
  };
  void put(Bytes key, Bytes value) {
    bytes_ += key.size() + value.size();
    changes_.push_back({std::move(key), std::move(value)});
  }
  void remove(Bytes key) {
    bytes_ += key.size();
    changes_.push_back({std::move(key), std::nullopt});
  }
  bool empty() const noexcept { return changes_.empty(); }
  std::size_t size_bytes() const noexcept { return bytes_; }
  const std::vector<Change>& changes() const noexcept { return changes_; }
  std::vector<Change>& changes() noexcept { return changes_; }

 private:
  std::vector<Change> changes_;
  std::size_t bytes_ = 0;
};

enum class Durability : std::uint8_t {
  sync,     // completion means: on stable storage
  buffered  // completion means: accepted, in order, ahead of any later sync commit
};

struct KeyValue {
  Bytes key;
  Bytes value;
  friend bool operator==(const KeyValue&, const KeyValue&) = default;
};

struct ScanPage {
  std::vector<KeyValue> entries;
  bool more = false;  // there may be further keys after the last entry
};

/// A consistent view of the data as of its creation; later commits do not show. Destroying it (on
/// the executor's thread) releases it; it must not outlive the engine.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
};

using CommitCallback = std::move_only_function<void(Status)>;
using GetCallback = std::move_only_function<void(Result<std::optional<Bytes>>)>;
using ScanCallback = std::move_only_function<void(Result<ScanPage>)>;

class Engine {
 public:
  virtual ~Engine() = default;

  /// Applies `batch` atomically. Batches take effect in call order; many are committed by one sync.
  /// Fails with overloaded or storage_full (not applied; may be tried again later), sync_failed,
  /// storage_corrupt, storage_read_only or storage_io (it may be found applied after a restart).
  virtual void commit(WriteBatch batch, Durability durability, CommitCallback done) = 0;

  /// Reads one key: the value as of all commits whose completion has been delivered, and possibly
  /// later ones. `snapshot` may be null.
  virtual void get(ByteView key, const Snapshot* snapshot, GetCallback done) = 0;

  /// Reads keys in [first, last) in byte order, until `entries_max` entries or `bytes_max` bytes
  /// (at least one entry if there is any). An empty `last` means: to the end.
  virtual void scan(ByteView first, ByteView last, std::size_t entries_max, std::size_t bytes_max,
                    const Snapshot* snapshot, ScanCallback done) = 0;

  virtual std::unique_ptr<Snapshot> snapshot() = 0;

  /// "memory", "rocksdb"…
  virtual std::string_view name() const = 0;
};

}  // namespace grey::storage
