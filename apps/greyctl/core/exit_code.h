// What greyctl's exit status means, for scripts: one number for each thing that a caller would do
// next. The numbers never change.
#pragma once
#include <string>

#include "base/error.h"

namespace grey::ctl {

enum class ExitCode : int {
  ok = 0,
  usage = 1,                // the command, its input or the configuration is wrong
  unreachable = 2,          // no node could be reached; nothing was done
  auth = 3,                 // a node refused the client, or the client the node
  not_found = 4,            // the key is absent
  precondition_failed = 5,  // the key does not hold what was expected; not applied
  no_quorum = 6,            // no majority of the key's replicas; not applied
  deadline = 7,             // out of time or overloaded; not applied
  outcome_unknown = 8,      // may or may not have been applied
  degraded = 9              // the cluster, or part of the work, is not as it should be
};

ExitCode exit_code_of(ErrorCode code) noexcept;

/// The list of exit codes, for --help.
std::string exit_code_help();

}  // namespace grey::ctl
