// Hands a simulated history to the linearizability checker.
#pragma once
#include <string>
#include <string_view>

#include "sim/history.h"
#include "sim/lincheck/checker.h"

namespace grey::sim {

lincheck::History checkable_history(const History& history);

/// Empty if the history is linearizable; else which key is not, and the stretch to look at. A
/// history that the checker cannot decide within its limits is reported as such, never passed over.
std::string check_linearizability(const History& history, const lincheck::Limits& limits = {});
inline constexpr std::string_view undecided = "the checker ran into its limits";

}  // namespace grey::sim
