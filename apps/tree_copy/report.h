// What a copy did: counts, failures and every operation's latency.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"

namespace grey::tree_copy {

struct OperationSample {
  MonotonicTime started{};
  Duration took{};
};

struct Report {
  std::uint64_t files = 0;  // done
  std::uint64_t bytes = 0;
  std::uint64_t operations = 0;
  std::uint64_t errors = 0;  // failed operations, unknown outcomes included
  std::uint64_t unknowns = 0;
  bool gave_up = false;               // before the end: nothing succeeded any more
  std::uint64_t mismatches = 0;       // read back, and not what the file holds
  std::vector<std::string> failures;  // the first few, for people
  std::vector<OperationSample> samples;
  MonotonicTime started{};
  Duration took{};

  static constexpr std::size_t failures_max = 20;
  void note_failure(std::string what) {
    if (failures.size() < failures_max) failures.push_back(std::move(what));
  }
  bool clean() const noexcept { return errors == 0 && mismatches == 0; }
  /// The latency that `part` (0 to 1) of the operations did not exceed; zero without operations.
  Duration percentile(double part) const;
  /// The slowest operation of those that were under way at any time in [from, to].
  Duration slowest(MonotonicTime from, MonotonicTime to) const;
  Duration slowest() const { return percentile(1); }
};

/// "1.234 ms", "12.3 s".
std::string show(Duration duration);
/// "1.2 GiB".
std::string show_bytes(std::uint64_t bytes);

}  // namespace grey::tree_copy
