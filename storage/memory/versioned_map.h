// An ordered map of byte strings that remembers old versions: the contents of a simulated disk.
// Each batch applied gets a sequence number; a reader at sequence S sees the batches up to S. What
// is above a floor can be taken back (writes that a crash loses) and read as of any sequence
// (snapshots); at and below the floor only the newest version of a key is kept, so that a map
// without snapshots or unsynced writes costs what a plain map costs.
//
// Not thread-safe.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "storage/engine.h"

namespace grey::storage {

class VersionedMap {
 public:
  using Sequence = std::uint64_t;

  /// Applies `batch` as `sequence`, which is above every earlier one.
  void apply(WriteBatch batch, Sequence sequence);
  /// Takes back everything above `sequence`, which is not below the floor.
  void rollback(Sequence sequence);
  /// Promises that nobody reads below `floor` or rolls back beyond it. Never goes down.
  void raise_floor(Sequence floor);

  /// The value of `key` at `at`; null if it has none. Valid until the map changes.
  const Bytes* find(ByteView key, Sequence at) const;
  /// The entries of [first, last) at `at`; the limits are those of Engine::scan.
  ScanPage scan(ByteView first, ByteView last, std::size_t entries_max, std::size_t bytes_max,
                Sequence at) const;
  /// The newest value of `key`, to be damaged in place.
  Bytes* find_newest_to_damage(ByteView key);

  /// Bytes of the keys and newest values of the entries that exist.
  std::size_t size_bytes() const noexcept { return size_bytes_; }

 private:
  struct Version {
    Sequence sequence;
    std::optional<Bytes> value;
  };
  using Versions = std::vector<Version>;  // oldest first
  using Map = std::map<Bytes, Versions, std::less<>>;
  // One for each version above the floor, in order of sequence.
  struct JournalEntry {
    Sequence sequence;
    Map::iterator where;
  };

  static const Bytes* visible(const Versions& versions, Sequence at);
  static std::size_t charge(const Map::value_type& entry);

  Map map_;
  std::deque<JournalEntry> journal_;
  Sequence floor_ = 0;
  std::size_t size_bytes_ = 0;
};

}  // namespace grey::storage
