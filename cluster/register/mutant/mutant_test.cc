// The schedules of the counterexamples with one rule broken at a time: each ends in the violation
// that it was made for, so the tests of the sound build can fail. This target compiles the module
// again with GREY_PLANTED_BUGS.
#include <gtest/gtest.h>

#include "cluster/register/testing/counterexamples.h"

namespace grey::cluster {
namespace {

TEST(Mutant, InDoubtByLastAttemptRepeatsAPutOverAnAcknowledgedCas) {
  const auto outcome = counterexample::older_than_my_last_attempt(
      PlantedBugs(PlantedBug::in_doubt_by_last_attempt), ScriptedCluster::put(1, "1"));
  EXPECT_EQ(outcome.first, ErrorCode::ok);
  EXPECT_EQ(outcome.second, ErrorCode::ok);
  EXPECT_EQ(outcome.final_value, "1");  // the CAS to 2 came after the put, and is lost
}

TEST(Mutant, InDoubtByLastAttemptAnswersFailedForAnAppliedCas) {
  const auto outcome = counterexample::older_than_my_last_attempt(
      PlantedBugs(PlantedBug::in_doubt_by_last_attempt), ScriptedCluster::cas(1, {}, "1"));
  EXPECT_EQ(outcome.first, ErrorCode::precondition_failed);  // though the other CAS found its 1
  EXPECT_EQ(outcome.second, ErrorCode::ok);
}

TEST(Mutant, AcceptThatIgnoresPromisesLetsTwoCreateTheSameKey) {
  const auto outcome =
      counterexample::accept_below_a_promise(PlantedBugs(PlantedBug::accept_ignores_promise));
  EXPECT_EQ(outcome.first, ErrorCode::ok);
  EXPECT_EQ(outcome.second, ErrorCode::ok);
}

TEST(Mutant, APromiseThatIsNotPersistedLetsTwoCreateTheSameKey) {
  const auto outcome =
      counterexample::promise_lost_in_a_crash(PlantedBugs(PlantedBug::promise_not_persisted));
  EXPECT_EQ(outcome.first, ErrorCode::ok);
  EXPECT_EQ(outcome.second, ErrorCode::ok);
}

TEST(Mutant, AReadWithoutTheIdentityRoundGoesBackInTime) {
  const auto outcome = counterexample::read_of_a_write_half_way(
      PlantedBugs(PlantedBug::read_without_identity_round));
  EXPECT_EQ(outcome.first, "2");
  EXPECT_EQ(outcome.second, "1");
}

TEST(Mutant, WithoutABugTheSameBuildIsSound) {
  EXPECT_EQ(counterexample::older_than_my_last_attempt({}, ScriptedCluster::put(1, "1")).first,
            ErrorCode::outcome_unknown);
  EXPECT_NE(counterexample::accept_below_a_promise({}).first, ErrorCode::ok);
  EXPECT_NE(counterexample::promise_lost_in_a_crash({}).first, ErrorCode::ok);
  EXPECT_EQ(counterexample::read_of_a_write_half_way({}).second, "2");
}

}  // namespace
}  // namespace grey::cluster
