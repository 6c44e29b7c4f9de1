#include "transport/uring/timer_queue.h"

#include "base/check.h"

namespace grey::transport::uring {
namespace {
constexpr std::size_t arity = 4;
}

TimerId TimerQueue::add(MonotonicTime at, Task task) {
  std::uint32_t slot;
  if (free_slots_.empty()) {
    GREY_CHECK(slots_.size() < slots_max);
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  const TimerId id = ++sequence_ << slot_bits | slot;
  slots_[slot].id = id;
  slots_[slot].task = std::move(task);
  heap_.emplace_back();
  sift_up(heap_.size() - 1, {at, id});
  return id;
}

bool TimerQueue::cancel(TimerId id) {
  const std::uint32_t slot = slot_of(id);
  if (id == 0 || slot >= slots_.size() || slots_[slot].id != id) return false;
  // The task dies at the end of this call, when the queue is whole again: its destructor may be
  // anyone's code.
  const Task dropped = remove(slots_[slot].place);
  return true;
}

std::optional<Task> TimerQueue::take_due(MonotonicTime now, TimerId made_until) {
  if (heap_.empty() || heap_.front().at > now || heap_.front().id > made_until) return {};
  return remove(0);
}

Task TimerQueue::remove(std::size_t place) {
  const std::uint32_t slot = slot_of(heap_[place].id);
  const Entry last = heap_.back();
  heap_.pop_back();
  if (place < heap_.size()) {
    if (place > 0 && last.before(heap_[(place - 1) / arity])) {
      sift_up(place, last);
    } else {
      sift_down(place, last);
    }
  }
  slots_[slot].id = 0;
  free_slots_.push_back(slot);
  return std::move(slots_[slot].task);
}

void TimerQueue::put(std::size_t place, Entry entry) {
  heap_[place] = entry;
  slots_[slot_of(entry.id)].place = static_cast<std::uint32_t>(place);
}

void TimerQueue::sift_up(std::size_t place, Entry entry) {
  while (place > 0) {
    const std::size_t parent = (place - 1) / arity;
    if (!entry.before(heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, entry);
}

void TimerQueue::sift_down(std::size_t place, Entry entry) {
  for (;;) {
    const std::size_t first = place * arity + 1;
    if (first >= heap_.size()) break;
    std::size_t least = first;
    const std::size_t end = std::min(first + arity, heap_.size());
    for (std::size_t child = first + 1; child < end; ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(entry)) break;
    put(place, heap_[least]);
    place = least;
  }
  put(place, entry);
}

}  // namespace grey::transport::uring
