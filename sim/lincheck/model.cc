#include "sim/lincheck/model.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace grey::lincheck {
namespace {

constexpr std::uint64_t no_answer = std::numeric_limits<std::uint64_t>::max();

Condition condition_of(const Seen& seen) {
  return {seen.value, seen.value == absent ? Version{0} : seen.version};
}

Condition condition_of(const Expected& expected) { return {expected.value, expected.version}; }

bool cannot_matter(const Operation& operation) {
  if (operation.reply.outcome == Outcome::not_applied) return true;
  return operation.call.kind == Kind::get && operation.reply.outcome == Outcome::unknown;
}

/// What the operation requires and writes; `result` is left to the caller.
Step step_of(OperationIndex index, const Operation& operation) {
  const Call& call = operation.call;
  const Reply& reply = operation.reply;
  Step step;
  step.operation = index;
  step.invoked = operation.invoked;
  step.must_happen = reply.outcome != Outcome::unknown;
  step.returned = step.must_happen ? operation.returned : no_answer;
  if (reply.outcome == Outcome::failed) {
    step.requires_mismatch = condition_of(call.expected);
    if (reply.seen) step.requires_match = condition_of(*reply.seen);
  } else if (call.kind == Kind::get) {
    step.requires_match = condition_of(*reply.seen);
  } else {
    step.writes = true;
    if (call.kind == Kind::cas) step.requires_match = condition_of(call.expected);
  }
  return step;
}

/// Until which event each value can still be noticed.
class LastSeen {
 public:
  void add(const Step& step) {
    if (step.requires_match) {
      const Condition& match = *step.requires_match;
      raise(match.value ? by_value_[*match.value] : by_version_[match.version], step.returned);
    } else if (step.requires_mismatch) {
      raise(by_mismatch_, step.returned);
    }
  }
  std::uint64_t of(const Seen& state) const {
    std::uint64_t last = by_mismatch_;
    if (const auto found = by_value_.find(state.value); found != by_value_.end()) {
      raise(last, found->second);
    }
    if (const auto found = by_version_.find(state.version); found != by_version_.end()) {
      raise(last, found->second);
    }
    return last;
  }

 private:
  static void raise(std::uint64_t& last, std::uint64_t to) { last = std::max(last, to); }
  std::map<Text, std::uint64_t> by_value_;
  std::map<Version, std::uint64_t> by_version_;
  std::uint64_t by_mismatch_ = 0;
};

/// The values and versions that some operation can tell from others.
class Distinguished {
 public:
  void add(const Step& step) {
    for (const auto& condition : {step.requires_match, step.requires_mismatch}) {
      if (!condition) continue;
      if (condition->value) values_.insert(*condition->value);
      if (condition->version != 0) versions_.insert(condition->version);
    }
  }
  /// What stands for `state`: states that nobody can tell apart become one.
  Seen canonical(Seen state) const {
    if (!versions_.contains(state.version)) state.version = 0;
    if (state.version == 0 && !values_.contains(state.value)) state.value = some_value;
    return state;
  }

 private:
  std::set<Text> values_;
  std::set<Version> versions_;
};

}  // namespace

KeyModel::KeyModel(const History& history, std::span<const OperationIndex> operations) {
  const std::vector<Operation>& all = history.operations();
  LastSeen last_seen;
  Distinguished distinguished;
  for (const OperationIndex index : operations) {
    if (cannot_matter(all[index])) continue;
    steps.push_back(step_of(index, all[index]));
    last_seen.add(steps.back());
    distinguished.add(steps.back());
  }

  states.push_back({absent, 0});
  std::map<std::pair<Text, Version>, StateIndex> known{{{absent, 0}, 0}};
  for (Step& step : steps) {
    if (!step.writes) continue;
    const Call& call = all[step.operation].call;
    const Seen result =
        call.value == absent ? Seen{} : distinguished.canonical({call.value, call.version});
    const auto [entry, is_new] =
        known.try_emplace({result.value, result.version}, static_cast<StateIndex>(states.size()));
    if (is_new) states.push_back(result);
    step.result = entry->second;
    step.seen_until = last_seen.of(result);
    step.ever_seen = step.seen_until > step.invoked;
  }
  std::erase_if(steps, [](const Step& s) { return s.writes && !s.must_happen && !s.ever_seen; });
}

}  // namespace grey::lincheck
