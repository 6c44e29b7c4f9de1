#include "transport/uring/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

namespace grey::transport::uring {

Mailbox::~Mailbox() {
  if (event_fd_ >= 0) ::close(event_fd_);
}

Status Mailbox::open() {
  // Blocking on purpose: the ring completes a read of a non-blocking descriptor with EAGAIN.
  event_fd_ = ::eventfd(0, EFD_CLOEXEC);
  if (event_fd_ < 0) {
    return fail(ErrorCode::transport_io, std::string("eventfd: ") + std::strerror(errno));
  }
  return {};
}

void Mailbox::send(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  notify();
}

void Mailbox::notify() {
  if (state_.exchange(State::notified) != State::asleep) return;
  const std::uint64_t one = 1;
  while (::write(event_fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

bool Mailbox::fall_asleep(Ring& ring) {
  if (!reading_) {
    io_uring_sqe* entry = ring.next_entry();
    io_uring_prep_read(entry, event_fd_, &event_count_, sizeof event_count_, 0);
    ring.launch(entry, *this, 0);
    reading_ = true;
  }
  State expected = State::awake;
  return state_.compare_exchange_strong(expected, State::asleep);
}

void Mailbox::wake_up() {
  State expected = State::asleep;
  state_.compare_exchange_strong(expected, State::awake);
}

void Mailbox::take(std::vector<Task>& tasks) {
  if (state_.load(std::memory_order_relaxed) != State::notified) return;
  state_.store(State::awake);
  const std::lock_guard lock(mutex_);
  tasks.insert(tasks.end(), std::make_move_iterator(tasks_.begin()),
               std::make_move_iterator(tasks_.end()));
  tasks_.clear();
}

void Mailbox::on_completion(unsigned, int result, std::uint32_t) {
  reading_ = false;
  if (result > 0) ++counters_.wakeups;
}

}  // namespace grey::transport::uring
