// Child processes that never outlive their parent.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"

namespace grey::dev {

/// Starts the program arguments[0] with its output appended to `log_file`, in a process group of
/// its own (Ctrl-C on the terminal is for the parent to handle) and with no signal blocked. The
/// kernel kills it when the calling *thread* ends. Fails with file_error.
Result<pid_t> spawn(const std::vector<std::string>& arguments, const std::string& log_file);

/// What a wait status says: "killed by signal 9 (Killed)", "exit status 1".
std::string describe_end(int status);

/// Waits for the end of a child, and collects it: true if it has ended within the time.
bool wait_for_end(pid_t pid, std::chrono::milliseconds timeout);

}  // namespace grey::dev
