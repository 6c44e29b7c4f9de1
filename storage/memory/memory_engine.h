// The storage engine of the simulator: a MemoryDisk driven through an executor. Everything it does
// follows from the seed and the calls, so a run replays exactly. Commits that arrive while a sync
// is under way share the next one, as in a real engine.
//
// Destroying the engine while its disk is mounted is a clean shutdown: what was committed is on the
// disk, and no callback comes any more. After MemoryDisk::crash() the engine is inert.
#pragma once
#include <deque>
#include <vector>

#include "storage/engine.h"
#include "storage/memory/memory_disk.h"
#include "transport/executor.h"

namespace grey::storage {

class MemoryEngine final : public Engine {
 public:
  /// Mounts `disk`, which no other engine uses. Both arguments outlive the engine.
  MemoryEngine(MemoryDisk& disk, transport::Executor& executor);
  ~MemoryEngine() override;
  MemoryEngine(const MemoryEngine&) = delete;
  MemoryEngine& operator=(const MemoryEngine&) = delete;

  void commit(WriteBatch batch, Durability durability, CommitCallback done) override;
  void get(ByteView key, const Snapshot* snapshot, GetCallback done) override;
  void scan(ByteView first, ByteView last, std::size_t entries_max, std::size_t bytes_max,
            const Snapshot* snapshot, ScanCallback done) override;
  std::unique_ptr<Snapshot> snapshot() override;
  std::string_view name() const override { return "memory"; }

 private:
  struct Commit {
    MemoryDisk::Sequence sequence;  // 0 if it was refused
    Durability durability;
    Status status;
    CommitCallback done;
  };
  // Outlives the engine in the tasks that it has posted; tells them whether it still serves.
  struct Life {
    const MemoryDisk& disk;  // to be looked at only while the engine exists
    std::uint64_t mount;
    bool engine_exists = true;
    bool over() const noexcept { return !engine_exists || !disk.mounted(mount); }
  };
  using LifePointer = std::shared_ptr<const Life>;

  Status refusal(const WriteBatch& batch);
  void start_group_soon();
  void start_group();
  void finish_group(bool synced);
  Duration sync_duration();
  void run_after(Duration delay, Task task);
  template <typename R>
  void read(const Snapshot* snapshot, std::move_only_function<R(MemoryDisk::Sequence)> look,
            std::move_only_function<void(Result<R>)> done);

  MemoryDisk& disk_;
  transport::Executor& executor_;
  const std::shared_ptr<Life> life_;
  std::vector<Commit> queue_;  // waiting for the next group
  std::vector<Commit> group_;  // being synced
  bool busy_ = false;          // a group is under way or about to start
  bool failed_ = false;        // a sync failed: nothing is accepted any more
};

}  // namespace grey::storage
