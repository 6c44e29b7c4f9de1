#include "rpc/deadline_wheel.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace grey::rpc {

DeadlineWheel::DeadlineWheel() { heads_.fill(none); }

void DeadlineWheel::set(std::uint32_t slot, MonotonicTime deadline, MonotonicTime now) {
  if (slot >= nodes_.size()) nodes_.resize(std::max<std::size_t>(slot + 1, nodes_.size() * 2));
  Node& node = nodes_[slot];
  GREY_CHECK(node.tick == -1);
  if (size_ == 0) current_ = now.time_since_epoch() / tick;
  const std::int64_t whole = deadline.time_since_epoch() / tick;
  const std::int64_t rounded_up =
      whole + (deadline.time_since_epoch() % tick == Duration{} ? 0 : 1);
  node.tick = std::max(rounded_up, current_);
  const std::size_t bucket = bucket_of(node.tick);
  node.previous = none;
  node.next = heads_[bucket];
  if (node.next != none) nodes_[node.next].previous = slot;
  heads_[bucket] = slot;
  occupied_[bucket / 64] |= std::uint64_t{1} << (bucket % 64);
  ++size_;
}

void DeadlineWheel::drop(std::uint32_t slot) noexcept {
  if (slot < nodes_.size() && nodes_[slot].tick != -1) unlink(slot);
}

void DeadlineWheel::unlink(std::uint32_t slot) noexcept {
  Node& node = nodes_[slot];
  const std::size_t bucket = bucket_of(node.tick);
  if (node.previous != none) {
    nodes_[node.previous].next = node.next;
  } else {
    heads_[bucket] = node.next;
    if (node.next == none) occupied_[bucket / 64] &= ~(std::uint64_t{1} << (bucket % 64));
  }
  if (node.next != none) nodes_[node.next].previous = node.previous;
  node = {};
  --size_;
}

void DeadlineWheel::expire(MonotonicTime now, std::vector<std::uint32_t>& due) {
  const std::int64_t last = now.time_since_epoch() / tick;
  if (size_ == 0 || last < current_) return;
  // One turn of the wheel visits every bucket, however long it stood still.
  const std::int64_t visits = std::min<std::int64_t>(last - current_ + 1, bucket_count);
  for (std::int64_t i = 0; i < visits; ++i) {
    std::uint32_t slot = heads_[bucket_of(current_ + i)];
    while (slot != none) {
      const std::uint32_t next = nodes_[slot].next;
      if (nodes_[slot].tick <= last) {
        unlink(slot);
        due.push_back(slot);
      }
      slot = next;
    }
  }
  current_ = last + 1;
}

MonotonicTime DeadlineWheel::next() const noexcept {
  if (size_ == 0) return never;
  const std::size_t start = bucket_of(current_);
  for (std::size_t ahead = 0; ahead < bucket_count;) {
    const std::size_t bucket = (start + ahead) % bucket_count;
    const std::uint64_t rest = occupied_[bucket / 64] >> (bucket % 64);
    if (rest != 0) {
      ahead += static_cast<std::size_t>(std::countr_zero(rest));
      return MonotonicTime((current_ + static_cast<std::int64_t>(ahead)) * tick);
    }
    ahead += 64 - bucket % 64;
  }
  return never;
}

}  // namespace grey::rpc
