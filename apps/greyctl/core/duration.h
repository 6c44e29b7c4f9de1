// Durations as people write them: 500ms, 10s, 2m, 1h.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"

namespace grey::ctl {

/// A whole number and its unit, from 1 ms to 24 h. Fails with config_bad_value.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The two largest units that matter: "3d 4h", "12m 5s", "8s", "250ms".
std::string show_duration(std::chrono::milliseconds duration);

}  // namespace grey::ctl
