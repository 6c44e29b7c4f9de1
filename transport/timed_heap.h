// A priority queue of payloads by time, then by order of insertion, with removal by id: what timers
// and simulated events are kept in. A 4-ary heap of small keys over a slab of payloads: every
// operation is O(log n) and allocates only to grow. Not thread-safe.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"

namespace grey::transport {

template <typename Payload>
class TimedHeap {
 public:
  /// Names an entry for ever; 0 names none.
  using Id = std::uint64_t;

  bool empty() const noexcept { return heap_.empty(); }
  std::size_t size() const noexcept { return heap_.size(); }

  Id push(MonotonicTime at, Payload payload) {
    const std::uint32_t index = take_slot();
    Slot& slot = slots_[index];
    slot.key = {at, next_order_++, index};
    slot.payload = std::move(payload);
    heap_.push_back(slot.key);
    sift_up(heap_.size() - 1);
    return id_of(slot.key);
  }

  /// The earliest entry; the heap must not be empty.
  MonotonicTime top_time() const noexcept { return heap_[0].at; }
  const Payload& top() const noexcept { return slots_[heap_[0].slot].payload; }

  Payload pop() {
    const std::uint32_t index = heap_[0].slot;
    unlink(0);
    return release(index);
  }

  /// Takes an entry out, wherever it is. Nothing if it has left already.
  std::optional<Payload> remove(Id id) {
    Slot* slot = find(id);
    if (slot == nullptr) return std::nullopt;
    if (slot->position != detached) unlink(slot->position);
    return release(slot->key.slot);
  }

  /// The payload of an entry that is still here, or null.
  Payload* get(Id id) {
    Slot* slot = find(id);
    return slot == nullptr ? nullptr : &slot->payload;
  }

  /// Sets the earliest entry aside: it keeps its id, its time and its place in the order, and comes
  /// back with reattach().
  Id detach_top() {
    const Key key = heap_[0];
    unlink(0);
    slots_[key.slot].position = detached;
    return id_of(key);
  }
  void reattach(Id id) {
    Slot* slot = find(id);
    if (slot == nullptr || slot->position != detached) return;
    heap_.push_back(slot->key);
    sift_up(heap_.size() - 1);
  }

  /// Takes out every entry whose payload satisfies `wanted`, in order of insertion.
  template <typename Predicate>
  std::vector<Payload> remove_if(Predicate wanted) {
    std::vector<Id> ids;
    for (const Slot& slot : slots_) {
      if (slot.position != unused && wanted(slot.payload)) ids.push_back(id_of(slot.key));
    }
    std::sort(ids.begin(), ids.end());
    std::vector<Payload> out;
    for (const Id id : ids) out.push_back(std::move(*remove(id)));
    return out;
  }

 private:
  static constexpr std::uint32_t unused = 0xffffffff;
  static constexpr std::uint32_t detached = 0xfffffffe;
  static constexpr unsigned slot_bits = 24;  // 16 M entries at once, 10^12 in all
  static constexpr std::size_t arity = 4;

  struct Key {
    MonotonicTime at;
    std::uint64_t order = 0;
    std::uint32_t slot = 0;
    bool before(const Key& other) const noexcept {
      return at != other.at ? at < other.at : order < other.order;
    }
  };
  struct Slot {
    Key key;
    std::uint32_t position = unused;
    Payload payload{};
  };

  static Id id_of(const Key& key) noexcept { return key.order << slot_bits | key.slot; }

  Slot* find(Id id) noexcept {
    const std::size_t index = id & ((1u << slot_bits) - 1);
    if (index >= slots_.size()) return nullptr;
    Slot& slot = slots_[index];
    return slot.position != unused && id_of(slot.key) == id ? &slot : nullptr;
  }

  std::uint32_t take_slot() {
    if (!free_.empty()) {
      const std::uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    GREY_CHECK(slots_.size() < (1u << slot_bits));
    slots_.emplace_back();
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }

  Payload release(std::uint32_t index) {
    slots_[index].position = unused;
    free_.push_back(index);
    return std::exchange(slots_[index].payload, Payload{});
  }

  void unlink(std::size_t position) {
    const Key last = heap_.back();
    heap_.pop_back();
    if (position == heap_.size()) return;
    place(position, last);
    sift_up(position);
    sift_down(slots_[last.slot].position);
  }

  void place(std::size_t position, const Key& key) {
    heap_[position] = key;
    slots_[key.slot].position = static_cast<std::uint32_t>(position);
  }

  void sift_up(std::size_t position) {
    const Key key = heap_[position];
    while (position > 0) {
      const std::size_t parent = (position - 1) / arity;
      if (!key.before(heap_[parent])) break;
      place(position, heap_[parent]);
      position = parent;
    }
    place(position, key);
  }

  void sift_down(std::size_t position) {
    const Key key = heap_[position];
    for (;;) {
      const std::size_t first = position * arity + 1;
      if (first >= heap_.size()) break;
      std::size_t best = first;
      const std::size_t last = std::min(first + arity, heap_.size());
      for (std::size_t child = first + 1; child < last; ++child) {
        if (heap_[child].before(heap_[best])) best = child;
      }
      if (!heap_[best].before(key)) break;
      place(position, heap_[best]);
      position = best;
    }
    place(position, key);
  }

  std::vector<Key> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t next_order_ = 1;
};

}  // namespace grey::transport
