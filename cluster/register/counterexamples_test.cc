// The counterexamples that the model checker found, as scripted schedules against the real
// acceptors and coordinators. A, B, C are the replicas 1, 2, 3.
#include <gtest/gtest.h>

#include "cluster/register/testing/counterexamples.h"
#include "cluster/register/testing/operation_fixture.h"

namespace grey::cluster {
namespace {

using counterexample::x_node;
using counterexample::y_node;

// ---- "older than my last attempt, so mine died" (rule 12) -------------------------------------

TEST(Counterexample, APutInDoubtIsNotRepeatedOverAnAcknowledgedCas) {
  const auto outcome = counterexample::older_than_my_last_attempt({}, ScriptedCluster::put(1, "1"));
  EXPECT_EQ(outcome.second, ErrorCode::ok);
  EXPECT_EQ(outcome.first, ErrorCode::outcome_unknown);
  EXPECT_EQ(outcome.final_value, "2");
}

TEST(Counterexample, AnAppliedCasInDoubtDoesNotAnswerFailed) {
  const auto outcome =
      counterexample::older_than_my_last_attempt({}, ScriptedCluster::cas(1, {}, "1"));
  EXPECT_EQ(outcome.second, ErrorCode::ok);
  EXPECT_EQ(outcome.first, ErrorCode::outcome_unknown);
  EXPECT_EQ(outcome.final_value, "2");
}

// ---- the abandoned home write (rule 9) --------------------------------------------------------

/// Home on A. put(1) is chosen, so home remembers it; put(2) is sent to all, arrives nowhere yet,
/// and its deadline passes.
class AbandonedHomeWrite : public ::testing::Test {
 protected:
  AbandonedHomeWrite() {
    cluster_.add_coordinator(1);
    cluster_.add_coordinator(y_node);
    const OperationHandle one = cluster_.start(1, ScriptedCluster::put(1, "1"));
    cluster_.exchange_range(1, {1, 2, 3});
    cluster_.exchange(one, {1, 2, 3});
    EXPECT_EQ(cluster_.error(one), ErrorCode::ok);
    EXPECT_TRUE(cluster_.result(one).fast_path);
    chosen_ = cluster_.result(one).record;
    home_ = cluster_.replica(1).range.promised;
  }
  void abandon_put_2() {
    put_2_ = cluster_.start(1, ScriptedCluster::put(2, "2"), std::chrono::milliseconds(500));
    cluster_.advance(std::chrono::milliseconds(500));
    EXPECT_EQ(cluster_.error(put_2_), ErrorCode::outcome_unknown);
  }
  void put_2_arrives_at_b_and_c(bool granted) {
    for (const NodeId replica : {2u, 3u}) {
      const ReplicaReply reply = cluster_.deliver(cluster_.latest(put_2_, replica));
      EXPECT_EQ(reply.granted, granted);
      cluster_.answer(cluster_.latest(put_2_, replica), reply);  // nobody waits for it any more
    }
  }

  ScriptedCluster cluster_;
  Record chosen_;  // put(1)
  Ballot home_;
  OperationHandle put_2_ = 0;
};

TEST_F(AbandonedHomeWrite, WithoutOneACasOnTheLastWriteIsOneRound) {
  const OperationHandle cas = cluster_.start(1, ScriptedCluster::cas(3, "1", "3"));
  EXPECT_TRUE(cluster_.latest(cas, 1).is<AcceptRequest>());
  cluster_.exchange(cas, {1, 2});
  EXPECT_EQ(cluster_.error(cas), ErrorCode::ok);
}

TEST_F(AbandonedHomeWrite, TheNextCasPreparesAndSeesItIfItArrivedFirst) {
  abandon_put_2();
  const OperationHandle cas = cluster_.start(1, ScriptedCluster::cas(3, "1", "3"));
  EXPECT_TRUE(cluster_.latest(cas, 1).is<PrepareRequest>());  // neither ACCEPT nor READ
  put_2_arrives_at_b_and_c(true);
  const OperationHandle read = cluster_.start(y_node, ScriptedCluster::get());
  cluster_.run_to_end(read, {2, 3});
  EXPECT_EQ(cluster_.value(read), "2");
  cluster_.run_to_end(cas, {1, 2, 3});
  EXPECT_EQ(cluster_.error(cas), ErrorCode::precondition_failed);
}

TEST_F(AbandonedHomeWrite, TheNextCasFencesItIfItComesLater) {
  abandon_put_2();
  const OperationHandle cas = cluster_.start(1, ScriptedCluster::cas(3, "1", "3"));
  cluster_.exchange(cas, {1, 2, 3});
  for (const NodeId replica : {1u, 2u, 3u}) {
    EXPECT_FALSE(cluster_.deliver(cluster_.latest(put_2_, replica)).granted);
  }
  cluster_.run_to_end(cas, {1, 2, 3});
  EXPECT_EQ(cluster_.error(cas), ErrorCode::ok);
}

TEST_F(AbandonedHomeWrite, ALaterChosenWriteOfTheSamePromiseLiftsTheBan) {
  abandon_put_2();
  const OperationHandle three = cluster_.start(1, ScriptedCluster::put(3, "3"));
  ASSERT_TRUE(cluster_.latest(three, 1).is<AcceptRequest>());
  cluster_.exchange(three, {1, 2, 3});
  const OperationHandle cas = cluster_.start(1, ScriptedCluster::cas(4, "3", "4"));
  EXPECT_TRUE(cluster_.latest(cas, 1).is<AcceptRequest>());
  put_2_arrives_at_b_and_c(false);  // below what was chosen since
}

// What the ban is for: nothing else stands between a CAS from the cache and a lost write.
TEST_F(AbandonedHomeWrite, ACasFromTheCacheWouldOverwriteItAfterItWasRead) {
  abandon_put_2();
  class HomeBallots final : public BallotSource {
   public:
    explicit HomeBallots(const Ballot& home) : next_(home) { next_.sequence += 1000; }
    Ballot mint(std::uint64_t) override {
      ++next_.sequence;
      return next_;
    }
    std::uint64_t epoch() const override { return next_.epoch; }

   private:
    Ballot next_;
  } ballots(home_);
  Operation unbanned(ScriptedCluster::cas(3, "1", "3"), 1, ballots);
  const Step accept = unbanned.begin_home_accept(home_, &chosen_);

  put_2_arrives_at_b_and_c(true);
  const OperationHandle read = cluster_.start(y_node, ScriptedCluster::get());
  cluster_.run_to_end(read, {2, 3});
  ASSERT_EQ(cluster_.value(read), "2");  // so put(2) has taken effect

  auto message = cluster_.latest(put_2_, 2);
  message.request.body = AcceptRequest{accept.record};
  EXPECT_EQ(unbanned.on_reply(1, cluster_.deliver(message)).kind, Step::Kind::wait);
  message.replica = 3;
  const Step end = unbanned.on_reply(2, cluster_.deliver(message));
  EXPECT_EQ(end.result.error, ErrorCode::ok);  // CAS(1 → 3) "succeeds" on a key that held 2
}

// ---- reconfiguration without the epoch in the ballot (rules 1 and 14) -------------------------
// This topology is fixed, so there is no staged change of replicas to replay; what the change will
// rest on is here: the epoch comes first in a ballot, and no message of another epoch counts.

// In the counterexample a ballot b3 of the old epoch, prepared there and accepted by B alone, is
// numerically above the ballot b2 that the new epoch writes with; a read of {B, C} then returned
// it.
TEST(Counterexample, ABallotOfTheNewEpochIsAboveEveryBallotOfTheOldOne) {
  const Ballot old_b3{1, 900, 9, 9, 9};
  const Ballot new_b2{3, 1, 1, 1, 1};
  EXPECT_LT(old_b3, new_b2);

  ScriptedCluster cluster({}, 3);
  cluster.add_coordinator(y_node);
  cluster.replica(2).key.accepted = value_record(old_b3, "stale", 1);
  cluster.replica(2).key.promised = old_b3;
  cluster.replica(3).key.accepted = value_record(new_b2, "acknowledged", 2);
  cluster.replica(3).key.promised = new_b2;
  const OperationHandle read = cluster.start(y_node, ScriptedCluster::get());
  cluster.run_to_end(read, {2, 3});
  EXPECT_EQ(cluster.value(read), "acknowledged");
}

TEST(Counterexample, AnAcceptOfTheOldEpochIsRefusedByReplicasOfTheNewOne) {
  ScriptedCluster cluster({}, 1);
  cluster.add_coordinator(x_node);
  const OperationHandle old = cluster.start(x_node, ScriptedCluster::put(1, "1"));
  cluster.exchange(old, {1, 2});
  ASSERT_TRUE(cluster.latest(old, 2).is<AcceptRequest>());
  for (const NodeId replica : {1u, 2u, 3u}) cluster.replica(replica).epoch = 3;
  for (const NodeId replica : {1u, 2u, 3u}) {
    const ReplicaReply reply = cluster.deliver(cluster.latest(old, replica));
    EXPECT_EQ(reply.error, ErrorCode::wrong_epoch);
    EXPECT_FALSE(reply.granted);
    EXPECT_FALSE(cluster.replica(replica).key.accepted.ballot);
    cluster.answer(cluster.latest(old, replica), reply);
  }
  EXPECT_FALSE(cluster.finished(old));
}

// ---- trusting agreement in the prepare quorum during a change (rule 14, last sentence) --------
// There is one quorum here, prepare's and accept's alike, so the trap cannot be set. What keeps it
// out of one epoch's count is tested: answers of replicas in another epoch agree on nothing.

TEST(Counterexample, RepliesOfAnotherEpochDoNotMakeAMajority) {
  ScriptedCluster cluster({}, 1);
  cluster.add_coordinator(x_node);
  const OperationHandle read = cluster.start(x_node, ScriptedCluster::get());
  cluster.exchange(read, {1});
  for (const NodeId replica : {2u, 3u}) {
    ReplicaReply reply = cluster.deliver(cluster.latest(read, replica));
    reply.epoch = 2;  // the same content, sent from the next epoch
    cluster.answer(cluster.latest(read, replica), reply);
  }
  EXPECT_FALSE(cluster.finished(read));
  cluster.replica(2).epoch = 2;
  cluster.replica(3).epoch = 2;
  for (int i = 0; i < 5; ++i) {
    cluster.wait_out_step();
    cluster.exchange(read, {1, 2, 3});
  }
  EXPECT_FALSE(cluster.finished(read));
}

// ---- the other schedules that the mutant build turns into violations --------------------------

TEST(Counterexample, AnAcceptBelowAPromiseIsRefused) {
  const auto outcome = counterexample::accept_below_a_promise({});
  EXPECT_NE(outcome.first, ErrorCode::ok);
  EXPECT_EQ(outcome.second, ErrorCode::ok);
  EXPECT_EQ(outcome.final_value, "y");
}

TEST(Counterexample, APromiseOutlivesACrash) {
  const auto outcome = counterexample::promise_lost_in_a_crash({});
  EXPECT_NE(outcome.first, ErrorCode::ok);
  EXPECT_EQ(outcome.second, ErrorCode::ok);
  EXPECT_EQ(outcome.final_value, "y");
}

TEST(Counterexample, AReaderFinishesAWriteHalfWayBeforeItTells) {
  const auto outcome = counterexample::read_of_a_write_half_way({});
  EXPECT_EQ(outcome.first, "2");
  EXPECT_EQ(outcome.second, "2");
}

// "A put repeated over an acknowledged CAS" by another coordinator (rule 15): after RESOLVE has
// spoken, the first coordinator's attempts are dead, wherever they are.
TEST(Counterexample, AfterResolveTheOperationIsDeadWhereverItsMessagesAre) {
  ScriptedCluster cluster;
  cluster.add_coordinator(x_node);
  cluster.add_coordinator(y_node);
  OperationRequest put = ScriptedCluster::put(1, "1");
  put.window.round_high = 10;
  const OperationHandle x = cluster.start(x_node, put);
  cluster.exchange(x, {1, 2});  // ACCEPT is on its way to all three
  OperationRequest resolve = put;
  resolve.kind = OperationKind::resolve;
  const OperationHandle y = cluster.start(y_node, resolve);
  cluster.run_to_end(y, {2, 3});
  EXPECT_EQ(cluster.error(y), ErrorCode::cancelled);
  const OperationHandle other = cluster.start(y_node, ScriptedCluster::cas(2, {}, "2"));
  cluster.run_to_end(other, {2, 3});
  EXPECT_EQ(cluster.error(other), ErrorCode::ok);
  cluster.exchange(x, {1, 2, 3});
  cluster.run_to_end(x, {1, 2, 3});  // must go above its window, and may not
  EXPECT_EQ(cluster.error(x), ErrorCode::outcome_unknown);
  const OperationHandle read = cluster.start(y_node, ScriptedCluster::get());
  cluster.run_to_end(read, {1, 2, 3});
  EXPECT_EQ(cluster.value(read), "2");
}

}  // namespace
}  // namespace grey::cluster
