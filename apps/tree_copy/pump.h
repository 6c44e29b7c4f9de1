// Keeps a bounded number of operations under way: the calling thread starts them, the client's
// thread completes them.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include <boost/system/error_code.hpp>

#include "apps/tree_copy/tree_copy.h"
#include "base/clock.h"

namespace grey::tree_copy {

class Pump {
 public:
  Pump(const CopyOptions& options, Report& report) : options_(options), report_(report) {
    report_.started = clock_.now();
  }

  /// Waits until one more operation of `bytes` may start; returns its start time.
  MonotonicTime begin(std::uint64_t bytes);
  /// An operation of begin() has ended. `wrong`: it succeeded but brought back something else.
  void end(MonotonicTime started, std::uint64_t bytes, const boost::system::error_code& ec,
           const std::string& what, const std::string& detail, bool wrong = false);
  /// So many operations in a row have failed that going on is pointless: the cluster is gone.
  bool should_give_up();
  /// Something failed before an operation was made of it.
  void fail(const std::string& what);
  /// Waits for all.
  void finish();

 private:
  void tell_progress(std::unique_lock<std::mutex>& lock);

  const CopyOptions& options_;
  SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Report& report_;  // guarded by mutex_
  std::size_t under_way_ = 0;
  std::size_t failed_in_a_row_ = 0;
  std::uint64_t bytes_under_way_ = 0;
};

}  // namespace grey::tree_copy
