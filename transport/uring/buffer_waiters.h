// Who waits for a receive buffer, when more bytes have arrived at once than the ring has buffers.
// Buffers come back as soon as their bytes have been handled, so all are free again by the end of a
// turn; but to let everybody try again then would only fail most of them. So they queue, and at
// most as many as there are buffers try in a turn. Who got nothing last time comes first.
#pragma once
#include <algorithm>
#include <cstddef>
#include <deque>

namespace grey::transport::uring {

class BufferWaiter {
 public:
  /// The waiter's turn has come; it has left the queue.
  virtual void buffers_free() = 0;

 protected:
  ~BufferWaiter() = default;
};

class BufferWaiters {
 public:
  bool empty() const noexcept { return queue_.empty(); }
  void push_first(BufferWaiter& waiter) { queue_.push_front(&waiter); }
  void push_last(BufferWaiter& waiter) { queue_.push_back(&waiter); }
  void remove(BufferWaiter& waiter) { std::erase(queue_, &waiter); }
  /// Gives up to `count` waiters their turn.
  void wake(std::size_t count) {
    for (count = std::min(count, queue_.size()); count > 0 && !queue_.empty(); --count) {
      BufferWaiter* first = queue_.front();
      queue_.pop_front();
      first->buffers_free();
    }
  }

 private:
  std::deque<BufferWaiter*> queue_;
};

}  // namespace grey::transport::uring
