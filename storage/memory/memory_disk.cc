#include "storage/memory/memory_disk.h"

#include "base/check.h"

namespace grey::storage {
namespace {

void flip_bit(Bytes& value, Random& random) {
  const auto bit = random.below(value.size() * 8);
  value[bit / 8] =
      static_cast<char>(static_cast<unsigned char>(value[bit / 8]) ^ (1u << (bit % 8)));
}

}  // namespace

void MemoryDisk::crash(Random& random) {
  const std::size_t kept = random.below(log_.size() + 1);
  const std::size_t lost = log_.size() - kept;
  ++counters_.crashes;
  counters_.survived_batches += kept;
  counters_.lost_batches += lost;
  if (syncing_) {
    ++counters_.crashes_during_sync;
    if (lost > 0) ++counters_.torn_batches;
  }
  if (kept > 0) make_visible(log_[kept - 1].sequence);
  unmount(/*lose_unsynced=*/false);
  const Sequence through = kept > 0 ? log_[kept - 1].sequence : durable_;
  if (visible_ > through) map_.rollback(through);
  visible_ = through;
  log_.erase(log_.begin() + static_cast<std::ptrdiff_t>(kept), log_.end());
  make_durable(through);
}

bool MemoryDisk::rot_stored_bit(ByteView key, Random& random) {
  Bytes* value = map_.find_newest_to_damage(key);
  if (value == nullptr || value->empty()) return false;
  flip_bit(*value, random);
  ++counters_.rotten_bits;
  return true;
}

std::uint64_t MemoryDisk::mount() {
  GREY_CHECK(mount_ == 0);
  return mount_ = ++mounts_;
}

void MemoryDisk::unmount(bool lose_unsynced) {
  mount_ = 0;
  syncing_ = false;
  pins_.clear();
  if (lose_unsynced) {
    map_.rollback(durable_);
    visible_ = durable_;
    log_.clear();
  }
}

MemoryDisk::Sequence MemoryDisk::append(WriteBatch batch) {
  log_.push_back({++appended_, std::move(batch)});
  return appended_;
}

void MemoryDisk::make_visible(Sequence through) {
  for (auto& [sequence, batch] : log_) {
    if (sequence > through) break;
    if (sequence <= visible_) continue;
    map_.apply(std::exchange(batch, WriteBatch()), sequence);
    visible_ = sequence;
  }
}

void MemoryDisk::make_durable(Sequence through) {
  make_visible(through);
  while (!log_.empty() && log_.front().sequence <= through) log_.pop_front();
  durable_ = std::max(durable_, std::min(through, visible_));
  raise_floor();
}

bool MemoryDisk::has_room_for(const WriteBatch& batch) const noexcept {
  if (options_.capacity_bytes == 0) return true;
  std::size_t added = 0;
  for (const auto& change : batch.changes()) {
    if (change.value) added += change.key.size() + change.value->size();
  }
  return added == 0 || map_.size_bytes() + added <= options_.capacity_bytes;
}

void MemoryDisk::pin(Sequence sequence) { pins_.insert(sequence); }

void MemoryDisk::unpin(Sequence sequence) {
  pins_.erase(pins_.find(sequence));
  raise_floor();
}

void MemoryDisk::raise_floor() {
  map_.raise_floor(pins_.empty() ? durable_ : std::min(durable_, *pins_.begin()));
}

void MemoryDisk::reach(SyncPoint point) {
  ++counters_.sync_points;
  syncing_ = point == SyncPoint::before_sync;
  if (!hook_) return;
  const SyncHook hook = hook_;  // the hook may replace itself
  hook(point);
}

void MemoryDisk::maybe_rot(Bytes& value) {
  if (value.empty() || !random_.chance(options_.bit_rot_chance)) return;
  flip_bit(value, random_);
  ++counters_.rotten_bits;
}

}  // namespace grey::storage
