// Carries completions from the engine's threads to the executor: in order, bundled, with at most
// one post under way. Once closed it delivers nothing more.
#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "base/task.h"
#include "transport/executor.h"

namespace grey::storage {

class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  explicit Mailbox(transport::Executor& executor) : executor_(executor) {}

  /// Hands over tasks for the executor's thread; from any thread. Empties `tasks`.
  void deliver(std::vector<Task>& tasks);
  void deliver(Task task);
  /// Drops what has not run yet; executor's thread only.
  void close();

 private:
  void run();

  transport::Executor& executor_;
  std::mutex mutex_;
  std::vector<Task> waiting_;
  bool posted_ = false;
  bool closed_ = false;
};

}  // namespace grey::storage
