// Child processes that never outlive their parent.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"

namespace grey::dev {

/// Starts the program arguments[0] with its output appended to `log_file`, in a process group of
/// its own (Ctrl-C on the terminal is for the parent to handle). The kernel kills it when the
/// calling *thread* ends. Fails with file_error.
Result<pid_t> spawn(const std::vector<std::string>& arguments, const std::string& log_file);

/// Waits for the end of a child, and collects it: true if it has ended within the time.
bool wait_for_end(pid_t pid, std::chrono::milliseconds timeout);

}  // namespace grey::dev
