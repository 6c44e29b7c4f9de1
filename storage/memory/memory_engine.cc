#include "storage/memory/memory_engine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace grey::storage {

// A pin on one version of the disk's map.
class MemorySnapshot final : public Snapshot {
 public:
  MemorySnapshot(MemoryDisk& disk, std::uint64_t mount)
      : disk_(disk), mount_(mount), sequence_(disk.visible()) {
    if (disk_.mounted(mount_)) disk_.pin(sequence_);
  }
  ~MemorySnapshot() override {
    if (disk_.mounted(mount_)) disk_.unpin(sequence_);
  }
  MemoryDisk::Sequence sequence() const noexcept { return sequence_; }

 private:
  MemoryDisk& disk_;
  const std::uint64_t mount_;
  const MemoryDisk::Sequence sequence_;
};

MemoryEngine::MemoryEngine(MemoryDisk& disk, transport::Executor& executor)
    : disk_(disk), executor_(executor), life_(std::make_shared<Life>(Life{disk, disk.mount()})) {}

MemoryEngine::~MemoryEngine() {
  const bool crashed = life_->over();
  life_->engine_exists = false;
  if (crashed) return;  // the disk crashed: what it kept is decided
  if (!failed_) disk_.make_durable(disk_.appended_);
  disk_.unmount(/*lose_unsynced=*/failed_);
}

Status MemoryEngine::refusal(const WriteBatch& batch) {
  auto& counters = disk_.counters_;
  if (disk_.random_.chance(disk_.options_.commit_io_error_chance)) {
    ++counters.commit_io_errors;
    return fail(ErrorCode::storage_io, "simulated EIO");
  }
  if (disk_.random_.chance(disk_.options_.commit_full_chance) || !disk_.has_room_for(batch)) {
    ++counters.commits_refused_full;
    return fail(ErrorCode::storage_full, "simulated ENOSPC");
  }
  return {};
}

void MemoryEngine::commit(WriteBatch batch, Durability durability, CommitCallback done) {
  if (life_->over()) return;
  ++disk_.counters_.commits;
  Commit commit{0, durability, refusal(batch), std::move(done)};
  if (commit.status && !failed_) {
    commit.sequence = disk_.append(std::move(batch));
    if (disk_.random_.chance(disk_.options_.early_visibility_chance)) {
      ++disk_.counters_.early_visible_commits;
      disk_.make_visible(commit.sequence);
    }
  }
  queue_.push_back(std::move(commit));
  if (!busy_) start_group_soon();
}

void MemoryEngine::start_group_soon() {
  busy_ = true;
  run_after(Duration(0), [this] { start_group(); });
}

void MemoryEngine::start_group() {
  group_.swap(queue_);
  const bool wants_sync = !failed_ && std::ranges::any_of(group_, [](const Commit& commit) {
    return commit.status && commit.durability == Durability::sync;
  });
  if (!wants_sync) return finish_group(/*synced=*/false);
  ++disk_.counters_.syncs;
  const LifePointer life = life_;
  disk_.reach(SyncPoint::before_sync);
  if (life->over()) return;
  run_after(sync_duration(), [this] { finish_group(/*synced=*/true); });
}

Duration MemoryEngine::sync_duration() {
  const auto& options = disk_.options_;
  auto& random = disk_.random_;
  Duration latency = random.between(options.sync_latency_min, options.sync_latency_max);
  if (random.chance(options.sync_stall_chance)) {
    ++disk_.counters_.stalled_syncs;
    latency += random.between(options.sync_stall_min, options.sync_stall_max);
  }
  return latency;
}

void MemoryEngine::finish_group(bool synced) {
  const LifePointer life = life_;
  if (synced && disk_.random_.chance(disk_.options_.sync_failure_chance)) {
    ++disk_.counters_.failed_syncs;
    failed_ = true;
  }
  if (!failed_) {
    MemoryDisk::Sequence last = 0;
    for (const auto& commit : group_) last = std::max(last, commit.sequence);
    if (synced) {
      disk_.make_durable(last);
      disk_.reach(SyncPoint::after_sync);
      if (life->over()) return;
    } else {
      disk_.make_visible(last);
    }
  }
  auto finished = std::exchange(group_, {});
  busy_ = false;
  if (!queue_.empty()) start_group_soon();
  for (auto& commit : finished) {
    if (failed_) commit.status = fail(ErrorCode::sync_failed, "simulated fsync failure");
    commit.done(std::move(commit.status));
    if (life->over()) return;
  }
}

template <typename R>
void MemoryEngine::read(const Snapshot* snapshot,
                        std::move_only_function<R(MemoryDisk::Sequence)> look,
                        std::move_only_function<void(Result<R>)> done) {
  if (life_->over()) return;
  const auto& options = disk_.options_;
  auto& random = disk_.random_;
  auto& counters = disk_.counters_;
  ++counters.reads;
  Duration latency = random.between(options.read_latency_min, options.read_latency_max);
  if (random.chance(options.slow_read_chance)) {
    ++counters.slow_reads;
    latency += random.between(options.slow_read_min, options.slow_read_max);
  }
  Result<R> result = fail(ErrorCode::sync_failed, "an earlier fsync failed");
  if (!failed_) {
    if (random.chance(options.read_io_error_chance)) {
      ++counters.read_io_errors;
      result = fail(ErrorCode::storage_io, "simulated EIO");
    } else if (snapshot == nullptr && random.chance(0.5)) {
      // A real engine reads at some moment between the call and the completion: here at its end.
      return run_after(latency, [this, look = std::move(look), done = std::move(done)]() mutable {
        done(look(disk_.visible()));
      });
    } else {
      result = look(snapshot ? static_cast<const MemorySnapshot*>(snapshot)->sequence()
                             : disk_.visible());
    }
  }
  run_after(latency, [result = std::move(result), done = std::move(done)]() mutable {
    done(std::move(result));
  });
}

void MemoryEngine::get(ByteView key, const Snapshot* snapshot, GetCallback done) {
  read<std::optional<Bytes>>(
      snapshot,
      [this, key = Bytes(key)](MemoryDisk::Sequence at) -> std::optional<Bytes> {
        const Bytes* found = disk_.map_.find(key, at);
        if (found == nullptr) return std::nullopt;
        Bytes value = *found;
        disk_.maybe_rot(value);
        return value;
      },
      std::move(done));
}

void MemoryEngine::scan(ByteView first, ByteView last, std::size_t entries_max,
                        std::size_t bytes_max, const Snapshot* snapshot, ScanCallback done) {
  read<ScanPage>(
      snapshot,
      [this, first = Bytes(first), last = Bytes(last), entries_max,
       bytes_max](MemoryDisk::Sequence at) {
        ScanPage page = disk_.map_.scan(first, last, entries_max, bytes_max, at);
        for (auto& entry : page.entries) disk_.maybe_rot(entry.value);
        return page;
      },
      std::move(done));
}

std::unique_ptr<Snapshot> MemoryEngine::snapshot() {
  return std::make_unique<MemorySnapshot>(disk_, life_->mount);
}

// Runs `task` after `delay`, unless the engine has died by then.
void MemoryEngine::run_after(Duration delay, Task task) {
  auto guarded = [life = LifePointer(life_), task = std::move(task)]() mutable {
    if (!life->over()) task();
  };
  if (delay <= Duration(0)) {
    executor_.post(std::move(guarded));
  } else {
    executor_.schedule_after(delay, std::move(guarded));
  }
}

}  // namespace grey::storage
