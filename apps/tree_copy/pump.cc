#include "apps/tree_copy/pump.h"

#include <grey/error.h>

namespace grey::tree_copy {

MonotonicTime Pump::begin(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  tell_progress(lock);
  changed_.wait(lock, [&] {
    const bool room = bytes_under_way_ + bytes <= options_.bytes_in_flight_max;
    return under_way_ == 0 || (under_way_ < options_.concurrency && room);
  });
  ++under_way_;
  bytes_under_way_ += bytes;
  return clock_.now();
}

void Pump::end(MonotonicTime started, std::uint64_t bytes, const boost::system::error_code& ec,
               const std::string& what, const std::string& detail, bool wrong) {
  const std::scoped_lock lock(mutex_);
  --under_way_;
  bytes_under_way_ -= bytes;
  ++report_.operations;
  report_.samples.push_back({started, clock_.now() - started});
  failed_in_a_row_ = ec ? failed_in_a_row_ + 1 : 0;
  if (ec) {
    ++report_.errors;
    if (ec == errc::outcome_unknown) ++report_.unknowns;
    report_.note_failure(what + ": " + ec.message() + (detail.empty() ? "" : " (" + detail + ")"));
  } else if (wrong) {
    ++report_.mismatches;
    report_.note_failure(what + ": not what was stored");
  } else {
    ++report_.files;
    report_.bytes += bytes;
  }
  changed_.notify_all();
}

bool Pump::should_give_up() {
  const std::scoped_lock lock(mutex_);
  if (failed_in_a_row_ < 2 * options_.concurrency) return false;
  if (!report_.gave_up) report_.note_failure("gave up: nothing succeeds any more");
  report_.gave_up = true;
  return true;
}

void Pump::fail(const std::string& what) {
  const std::scoped_lock lock(mutex_);
  ++report_.errors;
  report_.note_failure(what);
}

void Pump::finish() {
  std::unique_lock lock(mutex_);
  while (under_way_ > 0) {
    tell_progress(lock);
    changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return under_way_ == 0; });
  }
  report_.took = clock_.now() - report_.started;
  tell_progress(lock);
}

void Pump::tell_progress(std::unique_lock<std::mutex>& lock) {
  if (!options_.on_progress) return;
  const std::uint64_t files = report_.files;
  const std::uint64_t bytes = report_.bytes;
  lock.unlock();
  options_.on_progress(files, bytes);
  lock.lock();
}

}  // namespace grey::tree_copy
