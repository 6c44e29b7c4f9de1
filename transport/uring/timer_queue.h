// Timers in order of their time, then of their making: a 4-ary heap whose entries know their place,
// so that cancelling is as cheap as firing. Pure: told the time, never asks for it.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "transport/executor.h"

namespace grey::transport::uring {

class TimerQueue {
 public:
  TimerId add(MonotonicTime at, Task task);
  /// Destroys the timer's task unrun. False if there is no such timer (any more).
  bool cancel(TimerId id);

  bool empty() const noexcept { return heap_.empty(); }
  std::size_t size() const noexcept { return heap_.size(); }
  /// When the first timer is due; `never` if there is none.
  MonotonicTime next() const noexcept { return heap_.empty() ? never : heap_.front().at; }

  /// Every timer made from now on has an id above this.
  TimerId mark() const noexcept { return sequence_ << slot_bits | (slots_max - 1); }
  /// Takes the first timer if it is due at `now` and no younger than `made_until` allows (a mark();
  /// keeps timers that firing timers make for the next round).
  std::optional<Task> take_due(MonotonicTime now, TimerId made_until);

 private:
  // An id is a sequence number, which is never reused, above the number of the timer's slot.
  static constexpr unsigned slot_bits = 24;
  static constexpr TimerId slots_max = TimerId{1} << slot_bits;

  struct Entry {
    MonotonicTime at;
    TimerId id;
    bool before(const Entry& other) const { return at != other.at ? at < other.at : id < other.id; }
  };
  struct Slot {
    TimerId id = 0;           // 0: free
    std::uint32_t place = 0;  // in the heap
    Task task;
  };

  static std::uint32_t slot_of(TimerId id) { return id & (slots_max - 1); }
  void put(std::size_t place, Entry entry);
  void sift_up(std::size_t place, Entry entry);
  void sift_down(std::size_t place, Entry entry);
  Task remove(std::size_t place);

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  TimerId sequence_ = 0;
};

}  // namespace grey::transport::uring
