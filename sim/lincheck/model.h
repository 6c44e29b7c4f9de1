// One key's operations in the form that the search wants: what each requires of the state, and what
// it makes of it. A read, a blind write, a compare-and-swap and a failed one differ only in these.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/lincheck/history.h"

namespace grey::lincheck {

/// What the key holds: an index into KeyModel::states. 0 is the initial state, absent.
using StateIndex = std::uint32_t;

/// A requirement on the key's state.
struct Condition {
  std::optional<Text> value;
  Version version = 0;  // 0: any
  bool matches(const Seen& state) const noexcept {
    return (!value || *value == state.value) &&
           (version == 0 || (version == state.version && state.value != absent));
  }
};

struct Step {
  OperationIndex operation = 0;
  std::optional<Condition> requires_match;     // get, cas; a failed cas that was told the value
  std::optional<Condition> requires_mismatch;  // failed cas
  bool writes = false;
  StateIndex result = 0;         // if it writes
  bool must_happen = true;       // false: outcome unknown
  bool ever_seen = true;         // false: no operation of this key can tell that it happened
  std::uint64_t seen_until = 0;  // the last event at which some operation could have seen `result`
  std::uint64_t invoked = 0;
  std::uint64_t returned = 0;  // ~0 if it has no answer

  /// Writes whatever the state is.
  bool blind() const noexcept { return writes && !requires_match; }
};

struct KeyModel {
  /// `operations`: all of one key, in order of invocation. Leaves out what cannot matter: what was
  /// not applied, reads without answer, and unknown writes that nobody can have seen.
  KeyModel(const History& history, std::span<const OperationIndex> operations);

  bool applicable(const Step& step, StateIndex state) const noexcept {
    const Seen& now = states[state];
    return (!step.requires_match || step.requires_match->matches(now)) &&
           (!step.requires_mismatch || !step.requires_mismatch->matches(now));
  }

  std::vector<Step> steps;   // by invocation
  std::vector<Seen> states;  // distinct
};

}  // namespace grey::lincheck
