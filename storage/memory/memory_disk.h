// The simulated disk under the memory engine. It outlives engines: when a node "process" dies its
// engine goes, the disk stays, and the next engine finds what was synced plus, perhaps, a little of
// what was not. Its faults are drawn from the Random it is given, so a seed replays exactly, and
// each fault has a counter that shows it fired.
//
// Crash model: the disk is a write-ahead log. Batches become durable in order and whole; a crash
// keeps everything synced and a random prefix of the rest.
//
// Not thread-safe.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <set>

#include "base/clock.h"
#include "base/random.h"
#include "storage/memory/versioned_map.h"

namespace grey::storage {

/// How the disk behaves. All chances are from 0 to 1; the defaults are a flawless instant disk.
struct MemoryDiskOptions {
  Duration sync_latency_min{0};
  Duration sync_latency_max{0};
  Duration read_latency_min{0};
  Duration read_latency_max{0};

  double sync_stall_chance = 0;  // of each sync: takes the stall's time longer
  Duration sync_stall_min{0};
  Duration sync_stall_max{0};
  double slow_read_chance = 0;  // of each get or scan: takes this much longer
  Duration slow_read_min{0};
  Duration slow_read_max{0};

  double commit_io_error_chance = 0;   // of each commit: storage_io, not applied
  double commit_full_chance = 0;       // of each commit: storage_full, not applied
  double sync_failure_chance = 0;      // of each sync: sync_failed, the engine is finished
  double read_io_error_chance = 0;     // of each get or scan: storage_io
  double bit_rot_chance = 0;           // of each value returned: one bit of it is flipped
  double early_visibility_chance = 0;  // of each commit: reads see it before it is durable
  std::size_t capacity_bytes = 0;  // commits that grow the data beyond it: storage_full; 0: none
};

struct MemoryDiskCounters {
  std::uint64_t commits = 0;
  std::uint64_t syncs = 0;
  std::uint64_t sync_points = 0;  // calls of the sync hook, were there one
  std::uint64_t stalled_syncs = 0;
  std::uint64_t failed_syncs = 0;
  std::uint64_t commit_io_errors = 0;
  std::uint64_t commits_refused_full = 0;
  std::uint64_t early_visible_commits = 0;
  std::uint64_t reads = 0;
  std::uint64_t slow_reads = 0;
  std::uint64_t read_io_errors = 0;
  std::uint64_t rotten_bits = 0;
  std::uint64_t crashes = 0;
  std::uint64_t crashes_during_sync = 0;
  std::uint64_t lost_batches = 0;      // unsynced, gone in a crash
  std::uint64_t survived_batches = 0;  // unsynced, yet there after the crash
  std::uint64_t torn_batches = 0;      // being written at the crash: gone whole
  friend bool operator==(const MemoryDiskCounters&, const MemoryDiskCounters&) = default;
};

/// Where a sync hook is called: the group's data is handed over but nothing of it is durable; or
/// all of it is durable but nobody has been told.
enum class SyncPoint : std::uint8_t { before_sync, after_sync };

class MemoryDisk {
 public:
  using Sequence = VersionedMap::Sequence;
  using SyncHook = std::function<void(SyncPoint)>;

  explicit MemoryDisk(Random random, MemoryDiskOptions options = {})
      : random_(random), options_(options) {}
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  /// The power goes. Keeps what is durable and a prefix, chosen by `random`, of what is not. The
  /// engine on this disk is dead from here: it delivers no completion and is only to be destroyed.
  void crash(Random& random);

  /// Called at both points of each sync. May crash the disk and destroy the engine.
  void set_sync_hook(SyncHook hook) { hook_ = std::move(hook); }

  /// Behaviour from here on; to be changed at any time.
  MemoryDiskOptions& options() noexcept { return options_; }
  const MemoryDiskCounters& counters() const noexcept { return counters_; }
  std::size_t size_bytes() const noexcept { return map_.size_bytes(); }

  /// Flips one stored bit of the newest value of `key` for good. False if there is no such bit.
  bool rot_stored_bit(ByteView key, Random& random);

 private:
  friend class MemoryEngine;
  friend class MemorySnapshot;

  // A batch that is not durable. The first few may be applied to the map already, in order.
  struct Unsynced {
    Sequence sequence;
    WriteBatch batch;  // empty once applied
  };

  std::uint64_t mount();
  void unmount(bool lose_unsynced);
  bool mounted(std::uint64_t number) const noexcept { return mount_ == number; }
  Sequence append(WriteBatch batch);
  void make_visible(Sequence through);
  void make_durable(Sequence through);
  bool has_room_for(const WriteBatch& batch) const noexcept;
  Sequence visible() const noexcept { return visible_; }
  void pin(Sequence sequence);
  void unpin(Sequence sequence);
  void raise_floor();
  void reach(SyncPoint point);
  void maybe_rot(Bytes& value);

  Random random_;
  MemoryDiskOptions options_;
  MemoryDiskCounters counters_;
  SyncHook hook_;
  VersionedMap map_;
  std::deque<Unsynced> log_;
  Sequence appended_ = 0;
  Sequence visible_ = 0;  // applied to the map
  Sequence durable_ = 0;
  std::multiset<Sequence> pins_;  // of snapshots
  std::uint64_t mount_ = 0;       // the current mount's number; 0: not mounted
  std::uint64_t mounts_ = 0;
  bool syncing_ = false;
};

}  // namespace grey::storage
