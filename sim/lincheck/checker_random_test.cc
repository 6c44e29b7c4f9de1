// The checker against histories that are linearizable by construction, against the same with an
// answer altered, and against the brute-force checker on thousands of small histories of all sorts.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "sim/lincheck/atomic_register.h"
#include "sim/lincheck/brute_force.h"
#include "sim/lincheck/checker.h"

namespace grey::lincheck {
namespace {

std::string dump(const History& history) {
  std::string out;
  for (const Operation& operation : history.operations()) {
    out += std::to_string(operation.invoked) + ".." + std::to_string(operation.returned) + "  " +
           render(history, operation) + "\n";
  }
  return out;
}

/// The same history, with other answers to some operations.
History with_replies(const History& history, const std::map<OperationIndex, Reply>& replies) {
  History out = history.without_operations();
  std::map<std::uint64_t, std::pair<OperationIndex, bool>> events;
  for (OperationIndex i = 0; i < history.operations().size(); ++i) {
    const Operation& operation = history.operations()[i];
    events[operation.invoked] = {i, false};
    if (operation.returned != 0) events[operation.returned] = {i, true};
  }
  for (const auto& [at, event] : events) {
    const auto& [i, is_answer] = event;
    const Operation& operation = history.operations()[i];
    if (!is_answer) {
      out.invoke(operation.call);
    } else {
      const auto changed = replies.find(i);
      out.complete(i, changed == replies.end() ? operation.reply : changed->second);
    }
  }
  return out;
}

/// Another answer to one operation, such as a broken store might give.
std::map<OperationIndex, Reply> some_alteration(const History& history, Random& random,
                                                Text values) {
  const auto chosen = static_cast<OperationIndex>(random.below(history.operations().size()));
  const Operation& operation = history.operations()[chosen];
  if (operation.returned == 0) return {};
  Reply reply = operation.reply;
  const Seen seen{static_cast<Text>(random.below(values + 1)) + 1, 0};
  const bool is_cas = operation.call.kind == Kind::cas;
  if (reply.seen && random.chance(0.8)) {
    reply.seen = seen.value == 1 ? Seen{} : seen;
  } else if (is_cas) {
    reply = {reply.outcome == Outcome::ok ? Outcome::failed : Outcome::ok};
  } else if (operation.call.kind != Kind::get) {
    reply = {random.chance(0.5) ? Outcome::ok : Outcome::not_applied};
  }
  return {{chosen, reply}};
}

TEST(LincheckRandom, AgreesWithBruteForceOnSmallHistories) {
  Random random(11);
  int linearizable = 0;
  int not_linearizable = 0;
  for (int round = 0; round < 20'000; ++round) {
    Workload workload;
    workload.clients = static_cast<std::uint32_t>(random.between(2, 5));
    workload.operations = static_cast<std::uint32_t>(random.between(3, 9));
    workload.values = static_cast<std::uint32_t>(random.between(1, 4));
    workload.put_share = random.unit() * 0.6;
    workload.cas_share = random.unit() * 0.4;
    workload.unknown_share = random.chance(0.5) ? 0.3 : 0.0;
    workload.versions = random.chance(0.3);
    workload.failed_cas_tells = random.chance(0.5);
    History history = AtomicRegister(workload, random.next()).run();
    ASSERT_TRUE(BruteForce(history).linearizable()) << dump(history);
    ASSERT_EQ(check(history).verdict, Verdict::linearizable) << dump(history);

    for (int alterations = 0; alterations < 3; ++alterations) {
      history = with_replies(history, some_alteration(history, random, workload.values));
      const bool expected = BruteForce(history).linearizable();
      ASSERT_EQ(check(history).verdict,
                expected ? Verdict::linearizable : Verdict::not_linearizable)
          << "round " << round << "\n"
          << dump(history);
      ++(expected ? linearizable : not_linearizable);
    }
  }
  EXPECT_GT(linearizable, 5000);
  EXPECT_GT(not_linearizable, 5000);
}

TEST(LincheckRandom, TheFirstViolationIsTheShortestOffendingPrefix) {
  Random random(12);
  int violations = 0;
  for (int round = 0; round < 2'000; ++round) {
    Workload workload{.clients = 4, .operations = 9, .values = 3, .cas_share = 0.3};
    const History history = AtomicRegister(workload, random.next()).run();
    const History altered = with_replies(history, some_alteration(history, random, 3));
    const CheckResult result = check(altered);
    if (result.verdict == Verdict::linearizable) continue;
    ++violations;
    ASSERT_EQ(result.violations.size(), 1u);
    const Violation& violation = result.violations[0];
    const std::uint64_t at = altered.operations()[violation.operation].returned;
    EXPECT_FALSE(BruteForce(altered).linearizable(at)) << dump(altered);
    EXPECT_TRUE(BruteForce(altered).linearizable(at - 1)) << dump(altered);
    EXPECT_TRUE(std::ranges::find(violation.window, violation.operation) != violation.window.end());
  }
  EXPECT_GT(violations, 300);
}

TEST(LincheckRandom, LongHistoriesOfAnAtomicRegisterPass) {
  const Workload of_20{.clients = 20, .operations = 10'000};
  std::map<std::string, Workload> workloads;
  for (const char* name : {"own_values", "versions", "many_unknown", "untold", "five_values"}) {
    workloads[name] = of_20;
  }
  workloads["versions"].versions = true;
  workloads["many_unknown"].unknown_share = 0.2;
  workloads["untold"].failed_cas_tells = false;
  workloads["five_values"].values = 5;
  workloads["five_values"].unknown_share = 0;
  for (const auto& [name, workload] : workloads) {
    const CheckResult result = check(AtomicRegister(workload, 13).run());
    EXPECT_EQ(result.verdict, Verdict::linearizable) << name;
    EXPECT_LT(result.steps, 300'000u) << name;
    RecordProperty(name + "_steps", std::to_string(result.steps));
    RecordProperty(name + "_peak", std::to_string(result.configurations_peak));
  }
}

OperationIndex some_read_of_a_value(const History& history, Random& random, OperationIndex from,
                                    OperationIndex to) {
  while (true) {
    const auto i = static_cast<OperationIndex>(random.between(from, to - 1));
    const Operation& operation = history.operations()[i];
    if (operation.call.kind == Kind::get && operation.reply.seen &&
        operation.reply.seen->value != absent) {
      return i;
    }
  }
}

TEST(LincheckRandom, OneStaleReadAmongTenThousandOperationsIsFound) {
  Random random(14);
  for (int round = 0; round < 20; ++round) {
    Workload workload{.clients = 20, .operations = 10'000};
    workload.unknown_share = 0.01;
    const History history = AtomicRegister(workload, random.next()).run();
    const auto size = static_cast<OperationIndex>(history.operations().size());
    const OperationIndex early = some_read_of_a_value(history, random, 0, size / 4);
    const OperationIndex late = some_read_of_a_value(history, random, size / 2, size);
    const CheckResult result =
        check(with_replies(history, {{late, history.operations()[early].reply}}));
    ASSERT_EQ(result.verdict, Verdict::not_linearizable);
    EXPECT_EQ(result.violations[0].operation, late);
    EXPECT_LT(result.violations[0].window.size(), 100u);
  }
}

}  // namespace
}  // namespace grey::lincheck
