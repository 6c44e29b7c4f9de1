// A progress bar on a terminal, a line now and then anywhere else.
#pragma once
#include <cstdint>
#include <string>

#include "base/clock.h"

namespace grey::tree_copy {

class ProgressBar {
 public:
  /// Writes to stderr. `what` names the job: "import".
  ProgressBar(std::string what, std::uint64_t files_total, std::uint64_t bytes_total);
  ~ProgressBar();
  /// To be called often; draws at most ten times a second (lines: every five seconds).
  void update(std::uint64_t files, std::uint64_t bytes);
  /// Something to say in between ("node 2 killed"), on a line of its own.
  void say(const std::string& text);
  void finish();

 private:
  void draw(bool last);

  SystemClock clock_;
  std::string what_;
  std::uint64_t files_total_;
  std::uint64_t bytes_total_;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
  bool terminal_;
  bool finished_ = false;
  MonotonicTime started_;
  MonotonicTime drawn_{};
};

}  // namespace grey::tree_copy
