// Tasks from other threads, and the eventfd that ends the loop's sleep. A sender pays for a system
// call only if the loop is (about to be) asleep; while it is awake it notices by itself.
#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "base/task.h"
#include "transport/uring/ring.h"

namespace grey::transport::uring {

class Mailbox final : public Target {
 public:
  explicit Mailbox(Counters& counters) : counters_(counters) {}
  ~Mailbox();

  /// Makes the eventfd.
  Status open();

  // From any thread.
  void send(Task task);
  /// Makes the loop look, without a task.
  void notify();

  // From the loop's thread.
  /// Before a sleep: false if something has come and the loop must not sleep. Keeps a read of the
  /// eventfd in `ring`.
  bool fall_asleep(Ring& ring);
  void wake_up();
  /// Appends what has been sent to `tasks`.
  void take(std::vector<Task>& tasks);

 private:
  enum class State { awake, asleep, notified };
  void on_completion(unsigned slot, int result, std::uint32_t flags) override;

  Counters& counters_;
  int event_fd_ = -1;
  bool reading_ = false;
  std::uint64_t event_count_ = 0;  // written by the kernel
  std::atomic<State> state_{State::awake};
  std::mutex mutex_;
  std::vector<Task> tasks_;  // guarded by mutex_
};

}  // namespace grey::transport::uring
