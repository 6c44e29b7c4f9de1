// One run of greyd to its end, as a person at a terminal sees it.
#pragma once
#include <string>
#include <vector>

namespace grey::cluster_test {

struct ProgramEnd {
  int exit_status = -1;  // -1: it had to be killed, or ended by a signal
  std::string output;    // stdout and stderr
};

/// Runs a program until it ends, at most 20 s (then it is killed). Its output goes through a file
/// in `directory`.
ProgramEnd run_program(const std::vector<std::string>& arguments, const std::string& directory);

}  // namespace grey::cluster_test
