// Is a history linearizable? That is: can every operation be given one instant between its
// invocation and its answer, so that the store, doing them one at a time in that order, would have
// given the same answers (Herlihy and Wing, 1990).
//
// The question is asked key by key, which is enough because linearizability is local. For each key
// the search walks the events in order and keeps the set of all configurations the store may be in:
// its value, and which of the operations under way have taken effect. An operation is made to take
// effect only when an answer forces it (just-in-time linearisation: Lowe, "Testing for
// linearizability", 2017), and equal configurations are kept once (after Wing and Gong, 1993). The
// first answer that no configuration can explain is where the history stops being linearizable.
//
// The question is NP-complete, so the search has limits. It first looks at the most promising
// configurations only, which nearly always shows a linearisation, and widens if it does not; at its
// limits it says that it does not know. Histories in which every write has its own value (or
// version) are easy; few values and many unknown outcomes together are hard.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sim/lincheck/history.h"

namespace grey::lincheck {

enum class Verdict : std::uint8_t { linearizable, not_linearizable, undecided };

struct Limits {
  std::uint64_t steps_max = 4'000'000;         // configurations looked at, per key
  std::uint32_t configurations_max = 250'000;  // kept from event to event, per key
};

/// Where a key's history stops being linearizable.
struct Violation {
  Text key = 0;
  OperationIndex operation = 0;  // the first whose answer nothing explains
  std::vector<Seen> possible;    // what the key may have held just before that answer
  /// The stretch to look at, by invocation: what was under way then, what wrote the possible
  /// values, and what overlaps them.
  std::vector<OperationIndex> window;
};

struct CheckResult {
  Verdict verdict = Verdict::linearizable;
  std::vector<Violation> violations;  // one per key that has one, by key
  std::uint64_t steps = 0;            // configurations looked at
  std::uint32_t configurations_peak = 0;
  std::size_t keys = 0;
  std::size_t undecided_keys = 0;  // whose search ran into its limits
};

CheckResult check(const History& history, const Limits& limits = {});

/// The stretch of a violation as a text table: one line an operation, the culprit marked.
std::string render(const History& history, const Violation& violation);
/// One operation: "p3  cas user7 expect=1 write=2 -> failed, saw 4".
std::string render(const History& history, const Operation& operation);

}  // namespace grey::lincheck
