// Where values come from: files and stdin, whole.
#pragma once
#include <string>

#include "base/error.h"

namespace grey::ctl {

/// Fails with file_error, naming the path and the reason; with value_too_large beyond 64 MiB.
Result<std::string> read_whole_file(const std::string& path);
Result<std::string> read_stdin();

}  // namespace grey::ctl
