#include "sim/lincheck/checker.h"

#include <algorithm>
#include <map>

#include "sim/lincheck/model.h"
#include "sim/lincheck/search.h"

namespace grey::lincheck {
namespace {

std::map<Text, std::vector<OperationIndex>> by_key(const History& history) {
  std::map<Text, std::vector<OperationIndex>> keys;
  const std::vector<Operation>& operations = history.operations();
  for (OperationIndex i = 0; i < operations.size(); ++i) keys[operations[i].call.key].push_back(i);
  return keys;
}

bool writes_one_of(const Operation& operation, const std::vector<Seen>& states) {
  const Call& call = operation.call;
  if (call.kind == Kind::get || operation.reply.outcome == Outcome::failed) return false;
  const Text written = call.kind == Kind::remove ? absent : call.value;
  return std::ranges::any_of(states, [&](const Seen& s) { return s.value == written; });
}

/// The operations that show why: those under way when the culprit answered; the latest finished
/// write of each value that was possible; and what overlaps the culprit.
std::vector<OperationIndex> window_of(const History& history, const KeySearch& search,
                                      const KeyModel& model, const Violation& violation,
                                      const std::vector<OperationIndex>& operations) {
  const std::vector<Operation>& all = history.operations();
  const Operation& culprit = all[violation.operation];
  std::vector<OperationIndex> window;
  for (const std::uint32_t step : search.under_way()) {
    window.push_back(model.steps[step].operation);
  }
  std::map<Text, OperationIndex> latest_writer;
  for (const OperationIndex i : operations) {
    const Operation& operation = all[i];
    if (operation.reply.outcome == Outcome::not_applied) continue;
    if (operation.invoked > culprit.returned) break;
    if (operation.returned > culprit.invoked) window.push_back(i);
    if (operation.returned != 0 && writes_one_of(operation, violation.possible)) {
      latest_writer[operation.call.kind == Kind::remove ? absent : operation.call.value] = i;
    }
  }
  for (const auto& [value, writer] : latest_writer) window.push_back(writer);
  std::ranges::sort(window);
  window.erase(std::ranges::unique(window).begin(), window.end());
  return window;
}

Violation violation_of(const History& history, Text key,
                       const std::vector<OperationIndex>& operations, const KeyModel& model,
                       const KeySearch& search) {
  Violation violation;
  violation.key = key;
  violation.operation = search.culprit().operation;
  for (const StateIndex s : search.possible_states()) violation.possible.push_back(model.states[s]);
  violation.window = window_of(history, search, model, violation, operations);
  return violation;
}

}  // namespace

CheckResult check(const History& history, const Limits& limits) {
  CheckResult result;
  for (const auto& [key, operations] : by_key(history)) {
    ++result.keys;
    const KeyModel model(history, operations);
    std::size_t width = 256;
    std::uint64_t steps_left = limits.steps_max;
    while (true) {
      width = std::min<std::size_t>(width, limits.configurations_max);
      KeySearch search(model, width, steps_left);
      const Verdict verdict = search.run();
      result.steps += search.steps_taken();
      result.configurations_peak =
          std::max(result.configurations_peak, search.configurations_peak());
      if (verdict == Verdict::linearizable) break;
      if (verdict == Verdict::not_linearizable) {
        result.violations.push_back(violation_of(history, key, operations, model, search));
        break;
      }
      steps_left -= std::min(steps_left, search.steps_taken());
      if (width == limits.configurations_max || steps_left == 0) {
        ++result.undecided_keys;
        break;
      }
      width *= 16;
    }
  }
  if (!result.violations.empty()) {
    result.verdict = Verdict::not_linearizable;
  } else if (result.undecided_keys > 0) {
    result.verdict = Verdict::undecided;
  }
  return result;
}

}  // namespace grey::lincheck
