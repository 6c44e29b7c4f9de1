// The coordinator as home: taking, using, losing and renewing the promise of a range (rules 8 to 10
// and 18).
#include <gtest/gtest.h>

#include "cluster/register/testing/operation_fixture.h"
#include "cluster/register/testing/scripted_cluster.h"

namespace grey::cluster {
namespace {

constexpr RangeToken range = ScriptedCluster::range_token;

class CoordinatorHome : public ::testing::Test {
 protected:
  CoordinatorHome() {
    for (const NodeId node : ScriptedCluster::replica_ids) cluster_.add_coordinator(node);
    cluster_.add_coordinator(outsider);
  }
  /// A write through `node` that ends in whatever way it does.
  OperationHandle write(NodeId node, ByteView value = "v") {
    const OperationHandle handle = cluster_.start(node, ScriptedCluster::put(++ids_, value));
    cluster_.run_to_end(handle, {1, 2, 3});
    return handle;
  }
  Coordinator& home() { return cluster_.coordinator(1); }
  bool asked_for_the_range(NodeId node) const {
    return cluster_.latest_for_range(node, 1).coordinator == node;
  }

  static constexpr NodeId outsider = 11;
  ScriptedCluster cluster_;
  std::uint64_t ids_ = 100;
};

// ---- taking it --------------------------------------------------------------------------------

TEST_F(CoordinatorHome, TheFirstWriteTakesThePromiseAndLaterOnesAreOneRound) {
  const OperationHandle first = cluster_.start(1, ScriptedCluster::put(1, "1"));
  EXPECT_FALSE(cluster_.has_sent(first));
  cluster_.exchange_range(1, {1});
  EXPECT_FALSE(home().is_home(range));
  cluster_.exchange_range(1, {2});
  EXPECT_TRUE(home().is_home(range));
  ASSERT_TRUE(cluster_.latest(first, 1).is<AcceptRequest>());
  cluster_.exchange(first, {1, 2});
  EXPECT_TRUE(cluster_.result(first).fast_path);

  const std::size_t before = cluster_.sent_count();
  const OperationHandle second = cluster_.start(1, ScriptedCluster::put(2, "2"));
  cluster_.exchange(second, {1, 2});
  EXPECT_TRUE(cluster_.result(second).fast_path);
  EXPECT_EQ(cluster_.sent_count(), before + 3);  // one message to each replica
  EXPECT_EQ(home().counters().fast_writes, 2U);
  EXPECT_EQ(home().homes_held(), 1U);
}

TEST_F(CoordinatorHome, AnswersTellClientsAnIntervalToStartTheirWindowFrom) {
  const OperationHandle first = write(1);
  const Ballot low = cluster_.result(first).home_ballot;
  EXPECT_TRUE(low.same_interval(cluster_.result(first).record.ballot));
  EXPECT_GE(low, cluster_.result(first).record.ballot);
  OperationRequest next = ScriptedCluster::put(2, "2");
  next.window.low = low;
  next.window.round_high = low.round;
  const OperationHandle second = cluster_.start(1, next);
  cluster_.exchange(second, {1, 2});
  EXPECT_TRUE(cluster_.result(second).fast_path);  // room is left for the one-round path
}

TEST_F(CoordinatorHome, WritesThatWaitForThePromiseGoTogether) {
  const OperationHandle one = cluster_.start(1, ScriptedCluster::put(1, "1"));
  const OperationHandle two =
      cluster_.start(1, ScriptedCluster::on_key(ScriptedCluster::put(2, "2"), "other"));
  cluster_.exchange_range(1, {1, 2});
  EXPECT_TRUE(cluster_.latest(one, 1).is<AcceptRequest>());
  EXPECT_TRUE(cluster_.latest(two, 1).is<AcceptRequest>());
  EXPECT_EQ(home().counters().range_promises, 1U);
}

TEST_F(CoordinatorHome, OnlyTheFirstReplicaThatSeemsUpTakesIt) {
  write(2);
  EXPECT_FALSE(asked_for_the_range(2));
  write(outsider);
  EXPECT_FALSE(asked_for_the_range(outsider));
  cluster_.set_reachable(1, false);
  write(3);
  EXPECT_FALSE(asked_for_the_range(3));
  write(2);
  EXPECT_TRUE(cluster_.coordinator(2).is_home(range));
  cluster_.set_reachable(2, false);
  write(3);
  EXPECT_TRUE(cluster_.coordinator(3).is_home(range));
}

TEST_F(CoordinatorHome, TheNextReplicaTakesOverFromAnUnreachableHomeAndIsNotWaitedFor) {
  write(1);
  cluster_.set_reachable(1, false);
  const OperationHandle handle = cluster_.start(2, ScriptedCluster::put(2, "2"));
  cluster_.run_to_end(handle, {2, 3});
  EXPECT_EQ(cluster_.error(handle), ErrorCode::ok);
  EXPECT_TRUE(cluster_.coordinator(2).is_home(range));
  // The old home learns of it from the next answers, and its write goes on by itself. The new home
  // wrote the key blindly, so whether that was before or after cannot be told: the answer says so.
  EXPECT_TRUE(home().is_home(range));
  const OperationHandle late = write(1, "late");
  EXPECT_FALSE(home().is_home(range));
  EXPECT_EQ(cluster_.error(late), ErrorCode::outcome_unknown);
  EXPECT_EQ(cluster_.error(write(1, "later")), ErrorCode::ok);
}

TEST_F(CoordinatorHome, APromiseOfItsOwnReplicaToAnotherEndsItBeforeAnythingIsInDoubt) {
  write(1);
  const Ballot mine = cluster_.replica(1).range.promised;
  home().note_range_promise(range, mine, cluster_.now());
  EXPECT_TRUE(home().is_home(range)) << "its own";
  home().note_range_promise(range, foreign(30), cluster_.now());
  EXPECT_FALSE(home().is_home(range));
  EXPECT_EQ(cluster_.error(write(1, "next")), ErrorCode::ok);
}

TEST_F(CoordinatorHome, AnOldHomesWriteOfAKeyThatNobodyWroteSinceIsApplied) {
  write(1);
  for (const NodeId id : {1u, 2u, 3u}) cluster_.replica(id).range.promised = foreign(30);
  const OperationHandle late = write(1, "late");
  EXPECT_EQ(cluster_.error(late), ErrorCode::ok);
  EXPECT_FALSE(cluster_.result(late).fast_path);
}

TEST_F(CoordinatorHome, ARefusedPromiseIsAskedForAgainAboveWhatWasSeen) {
  for (const NodeId id : {1u, 2u, 3u}) {
    cluster_.replica(id).range.promised = foreign(30);
  }
  const OperationHandle put = cluster_.start(1, ScriptedCluster::put(1, "1"));
  cluster_.exchange_range(1, {1, 2});
  const auto again = cluster_.latest_for_range(1, 1);
  EXPECT_EQ(std::get<PrepareRangeRequest>(again.request.body).ballot.round, 31U);
  cluster_.exchange_range(1, {1, 2});
  EXPECT_TRUE(home().is_home(range));
  EXPECT_TRUE(cluster_.latest(put, 1).is<AcceptRequest>());
}

TEST_F(CoordinatorHome, ANotedRoundIsGoneAboveAtOnce) {
  home().note_range_round(range, 30);
  EXPECT_EQ(home().highest_round(), 30U);
  cluster_.start(1, ScriptedCluster::put(1, "1"));
  const auto asked = cluster_.latest_for_range(1, 1);
  EXPECT_EQ(std::get<PrepareRangeRequest>(asked.request.body).ballot.round, 31U);
}

TEST_F(CoordinatorHome, AnUnansweredPromiseIsNoObstacle) {
  const OperationHandle put = cluster_.start(1, ScriptedCluster::put(1, "1"));
  cluster_.advance(CoordinatorOptions{}.acquire_timeout);
  EXPECT_FALSE(home().is_home(range));
  ASSERT_TRUE(cluster_.latest(put, 1).is<PrepareRequest>());
  // Answers that come now are of no use: the promise was given up.
  cluster_.exchange_range(1, {1, 2, 3});
  EXPECT_FALSE(home().is_home(range));
  cluster_.run_to_end(put, {1, 2, 3});
  EXPECT_EQ(cluster_.error(put), ErrorCode::ok);
}

TEST_F(CoordinatorHome, AGrantOfAnEarlierTryDoesNotCountForALaterOne) {
  cluster_.replica(1).range.promised = foreign(30);
  cluster_.replica(2).range.promised = foreign(30);
  cluster_.start(1, ScriptedCluster::put(1, "1"));
  const auto first_try = cluster_.latest_for_range(1, 3);
  const ReplicaReply grant = cluster_.deliver(first_try);
  ASSERT_TRUE(grant.granted);
  cluster_.exchange_range(1, {1, 2});  // refused twice: the next try is under way
  cluster_.exchange_range(1, {1});
  cluster_.answer(first_try, grant);
  EXPECT_FALSE(home().is_home(range));
}

TEST_F(CoordinatorHome, AWriteThatExpiresWhileItWaitsForThePromiseWasNeverSent) {
  const OperationHandle put =
      cluster_.start(1, ScriptedCluster::put(1, "1"), std::chrono::milliseconds(10));
  cluster_.advance(std::chrono::milliseconds(10));
  ASSERT_TRUE(cluster_.finished(put));
  EXPECT_NE(cluster_.error(put), ErrorCode::outcome_unknown);
  cluster_.exchange_range(1, {1, 2});
  EXPECT_TRUE(home().is_home(range));
  EXPECT_FALSE(cluster_.has_sent(put));
}

TEST_F(CoordinatorHome, AWindowBelowThePromiseIsStale) {
  for (const NodeId id : {1u, 2u, 3u}) cluster_.replica(id).range.promised = foreign(30);
  OperationRequest r = ScriptedCluster::put(1, "1");
  r.window.round_high = 20;
  const OperationHandle put = cluster_.start(1, r);
  cluster_.run_to_end(put, {1, 2, 3});
  EXPECT_EQ(cluster_.error(put), ErrorCode::window_stale);
  EXPECT_GE(cluster_.result(put).round_seen, 30U);  // where the client's next window must reach
}

TEST_F(CoordinatorHome, ItCanBeTurnedOff) {
  ScriptedCluster cluster;
  CoordinatorOptions options;
  options.use_home = false;
  cluster.add_coordinator(1, options);
  const OperationHandle put = cluster.start(1, ScriptedCluster::put(1, "1"));
  EXPECT_TRUE(cluster.latest(put, 1).is<PrepareRequest>());
}

// ---- CAS at home ------------------------------------------------------------------------------

TEST_F(CoordinatorHome, ACasOnTheLastWriteIsOneRoundAndAMismatchIsRead) {
  write(1, "1");
  const OperationHandle hit = cluster_.start(1, ScriptedCluster::cas(1, "1", "2"));
  EXPECT_TRUE(cluster_.latest(hit, 1).is<AcceptRequest>());
  cluster_.exchange(hit, {1, 2, 3});
  // Rule 11: a failure is never answered from memory.
  const OperationHandle miss = cluster_.start(1, ScriptedCluster::cas(2, "1", "3"));
  ASSERT_FALSE(cluster_.finished(miss));
  EXPECT_TRUE(cluster_.latest(miss, 1).is<ReadRequest>());
  cluster_.exchange(miss, {1, 2});
  EXPECT_EQ(cluster_.error(miss), ErrorCode::precondition_failed);
  EXPECT_EQ(cluster_.value(miss), "2");
}

TEST_F(CoordinatorHome, ACasOnAnUnknownKeyReadsUnderThePromise) {
  write(outsider, "1");
  home().note_range_round(range, 5);  // so that its interval is above that write
  const OperationHandle cas = cluster_.start(1, ScriptedCluster::cas(1, "1", "2"));
  cluster_.exchange_range(1, {1, 2});
  EXPECT_TRUE(cluster_.latest(cas, 1).is<ReadRequest>());
  cluster_.exchange(cas, {2, 3});  // 3 has not promised: it does not count
  EXPECT_TRUE(cluster_.latest(cas, 1).is<ReadRequest>());
  cluster_.exchange(cas, {1});
  ASSERT_TRUE(cluster_.latest(cas, 1).is<AcceptRequest>());
  cluster_.exchange(cas, {1, 2});
  EXPECT_TRUE(cluster_.result(cas).fast_path);
}

// ---- losing it --------------------------------------------------------------------------------

TEST_F(CoordinatorHome, AForeignPromiseInAnyAnswerEndsIt) {
  write(1);
  cluster_.replica(3).range.promised = foreign(30);
  const OperationHandle put = cluster_.start(1, ScriptedCluster::put(1, "1"));
  EXPECT_TRUE(cluster_.latest(put, 1).is<AcceptRequest>());
  cluster_.exchange(put, {3});
  EXPECT_FALSE(home().is_home(range));
  EXPECT_EQ(home().counters().range_promises_lost, 1U);
  cluster_.run_to_end(put, {1, 2, 3});
  EXPECT_EQ(cluster_.error(put), ErrorCode::ok);
  // It comes back above the other, after a random while.
  cluster_.advance(CoordinatorOptions{}.lost_promise_delay_max);
  write(1);
  EXPECT_TRUE(home().is_home(range));
  EXPECT_GT(cluster_.replica(1).range.promised.round, 30U);
}

TEST_F(CoordinatorHome, WhatItRememberedUnderALostPromiseIsForgotten) {
  write(1, "1");
  for (const NodeId id : {1u, 2u, 3u}) cluster_.replica(id).range.promised = foreign(30);
  cluster_.run_to_end(cluster_.start(1, ScriptedCluster::get()), {1, 2, 3});
  ASSERT_FALSE(home().is_home(range));
  cluster_.advance(CoordinatorOptions{}.lost_promise_delay_max);
  const OperationHandle cas = cluster_.start(1, ScriptedCluster::cas(1, "1", "2"));
  cluster_.exchange_range(1, {1, 2});
  EXPECT_TRUE(cluster_.latest(cas, 1).is<ReadRequest>());  // held anew, but nothing is remembered
}

// ---- keys raised above the interval (rule 18) -------------------------------------------------

/// A reader on the home's own node that had to choose a value again, above the interval.
class RaisedKey : public CoordinatorHome {
 protected:
  RaisedKey() {
    write(1, "1");
    const OperationHandle half =
        cluster_.start(1, ScriptedCluster::put(50, "2"), std::chrono::milliseconds(100));
    cluster_.deliver(cluster_.latest(half, 1));
    const OperationHandle read = cluster_.start(1, ScriptedCluster::get());
    cluster_.run_to_end(read, {1, 2});
    EXPECT_EQ(cluster_.value(read), "2");
    cluster_.advance(std::chrono::milliseconds(100));
    EXPECT_EQ(cluster_.error(half), ErrorCode::outcome_unknown);
  }
};

TEST_F(RaisedKey, IsPreparedUntilTheRangeIsPromisedAgain) {
  const OperationHandle put = cluster_.start(1, ScriptedCluster::put(51, "3"));
  EXPECT_TRUE(cluster_.latest(put, 1).is<PrepareRequest>());
  cluster_.run_to_end(put, {1, 2, 3});
  EXPECT_EQ(home().counters().range_promises, 1U);

  cluster_.advance(CoordinatorOptions{}.repromise_interval);
  const OperationHandle later = cluster_.start(1, ScriptedCluster::put(52, "4"));
  EXPECT_FALSE(cluster_.has_sent(later));
  cluster_.exchange_range(1, {1, 2});
  EXPECT_TRUE(cluster_.latest(later, 1).is<AcceptRequest>());
  cluster_.exchange(later, {1, 2});
  EXPECT_TRUE(cluster_.result(later).fast_path);
  EXPECT_EQ(home().counters().range_promises, 2U);
}

TEST_F(RaisedKey, OtherKeysOfTheRangeStayOneRound) {
  const OperationHandle other =
      cluster_.start(1, ScriptedCluster::on_key(ScriptedCluster::put(51, "x"), "other"));
  EXPECT_TRUE(cluster_.latest(other, 1).is<AcceptRequest>());
}

TEST_F(CoordinatorHome, AKeyThatAnotherCoordinatorBroughtToItsReplicaIsPreparedToo) {
  write(1);
  home().note_foreign_ballot(range, ScriptedCluster::put(1, "").key.packed, foreign(30));
  const OperationHandle put = cluster_.start(1, ScriptedCluster::put(51, "3"));
  EXPECT_TRUE(cluster_.latest(put, 1).is<PrepareRequest>());
  cluster_.run_to_end(put, {1, 2, 3});
  EXPECT_EQ(cluster_.error(put), ErrorCode::ok);

  cluster_.advance(CoordinatorOptions{}.repromise_interval);
  cluster_.start(1, ScriptedCluster::put(52, "4"));
  const auto asked = cluster_.latest_for_range(1, 1);
  EXPECT_GT(std::get<PrepareRangeRequest>(asked.request.body).ballot.round, 30U) << "above the key";
}

TEST_F(CoordinatorHome, AFullTableOfMarksEndsThePromisesItBelongsTo) {
  ScriptedCluster cluster;
  CoordinatorOptions options;
  options.marks_max = 2;
  cluster.add_coordinator(1, options);
  const OperationHandle first = cluster.start(1, ScriptedCluster::put(1, "1"));
  cluster.exchange_range(1, {1, 2, 3});
  cluster.exchange(first, {1, 2, 3});
  for (const char* key : {"a", "b", "c"}) {
    EXPECT_TRUE(cluster.coordinator(1).is_home(range));
    cluster.start(1, ScriptedCluster::on_key(ScriptedCluster::put(2, "2"), key),
                  std::chrono::milliseconds(10));
    cluster.advance(std::chrono::milliseconds(10));  // unknown: marks its key
  }
  EXPECT_FALSE(cluster.coordinator(1).is_home(range));
  cluster.advance(options.repromise_interval);
  const OperationHandle cas =
      cluster.start(1, ScriptedCluster::on_key(ScriptedCluster::cas(3, {}, "3"), "a"));
  cluster.exchange_range(1, {1, 2});  // promised again: the bans are void
  EXPECT_TRUE(cluster.latest(cas, 1).is<ReadRequest>());
}

}  // namespace
}  // namespace grey::cluster
