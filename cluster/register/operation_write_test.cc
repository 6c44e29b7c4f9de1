// PUT, DELETE and CAS by any coordinator, and what happens in doubt: rules 4, 11, 12 and the window
// of rule 15.
#include "cluster/register/testing/operation_fixture.h"

namespace grey::cluster {
namespace {

class OperationWrite : public OperationFixture {
 protected:
  /// The operation's first proposal, refused by a majority: in doubt from here. Returns its ballot.
  static Ballot put_in_doubt(Operation& op) {
    EXPECT_EQ(op.begin_prepare().kind, Step::Kind::prepare);
    const Step accept = majority(op, absent());
    EXPECT_EQ(accept.kind, Step::Kind::accept);
    EXPECT_TRUE(op.attempted());
    return accept.record.ballot;
  }
  static Step prepare_again(Operation& op) { return prepare_after_refusal(op, foreign(9)); }
};

TEST_F(OperationWrite, PutPreparesAndProposesOnTheLargest) {
  Operation op = operation(request(OperationKind::put));
  const Step prepare = op.begin_prepare();
  ASSERT_EQ(prepare.kind, Step::Kind::prepare);
  const Record old = value_record(foreign(0, 3), "old", 1);
  const Step accept = both(op, absent(), holds(old));
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.ballot, prepare.ballot);
  EXPECT_EQ(accept.record.base, old.ballot);
  EXPECT_EQ(accept.record.operation, operation_id(mine));
  EXPECT_EQ(accept.record.value.view(), "new");
  EXPECT_EQ(op.on_reply(0, accepted()).kind, Step::Kind::wait);  // rule 4: one is no majority
  const Step end = op.on_reply(1, accepted());
  ASSERT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.error, ErrorCode::ok);
  EXPECT_FALSE(end.result.fast_path);
}

TEST_F(OperationWrite, DeleteProposesATombstone) {
  Operation op = operation(request(OperationKind::remove));
  op.begin_prepare();
  const Step accept = majority(op, holds(value_record(foreign(0, 3), "old", 1)));
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.kind, RecordKind::tombstone);
  EXPECT_TRUE(accept.record.value.empty());
  EXPECT_EQ(majority(op, accepted()).result.error, ErrorCode::ok);
}

TEST_F(OperationWrite, ARefusalNamesTheRoundToGoAbove) {
  Operation op = operation(request(OperationKind::put));
  op.begin_prepare();
  EXPECT_EQ(prepare_after_refusal(op, foreign(7)).ballot.round, 8U);
  ReplicaReply range_refusal = refused({});
  range_refusal.range_promise = foreign(20);
  majority(op, range_refusal);
  EXPECT_EQ(op.on_timeout().ballot.round, 21U);
}

TEST_F(OperationWrite, ARefusalThatNamesTheOwnBallotAnswersADuplicateAndIsNoRefusal) {
  Operation op = operation(request(OperationKind::put));
  const Step prepare = op.begin_prepare();
  EXPECT_EQ(op.on_reply(0, refused(prepare.ballot)).kind, Step::Kind::wait);
  EXPECT_FALSE(op.settled(0));
  EXPECT_EQ(op.on_reply(0, absent()).kind, Step::Kind::wait);
  EXPECT_EQ(op.on_reply(1, absent()).kind, Step::Kind::accept);
}

TEST_F(OperationWrite, OneRefusalDoesNotStopAMajority) {
  Operation op = operation(request(OperationKind::put));
  op.begin_prepare();
  EXPECT_EQ(op.on_reply(2, refused(foreign(9))).kind, Step::Kind::wait);
  EXPECT_EQ(both(op, absent(), absent()).kind, Step::Kind::accept);
  EXPECT_EQ(op.on_reply(2, refused(foreign(9))).kind, Step::Kind::wait);
  EXPECT_EQ(majority(op, accepted()).result.error, ErrorCode::ok);
}

TEST_F(OperationWrite, SilenceOfAMajorityIsNotAPromise) {
  Operation op = operation(request(OperationKind::put));
  op.begin_prepare();
  EXPECT_EQ(op.on_no_reply(0).kind, Step::Kind::wait);
  EXPECT_EQ(op.on_no_reply(1).kind, Step::Kind::pause);
  EXPECT_EQ(op.expire().error, ErrorCode::no_quorum);
}

// ---- CAS --------------------------------------------------------------------------------------

TEST_F(OperationWrite, CasProposesIfTheLargestMatches) {
  Operation op = operation(cas("old", "new"));
  op.begin_prepare();
  const Record old = value_record(foreign(0, 3), "old", 1);
  const Step accept = majority(op, holds(old));
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.value.view(), "new");
  EXPECT_EQ(accept.record.base, old.ballot);
}

TEST_F(OperationWrite, CasFailsAtOnceOnAnAgreedMismatchIfNothingWasSent) {
  Operation op = operation(cas("old", "new"));
  op.begin_prepare();
  const Step end = majority(op, holds(value_record(foreign(0, 3), "else", 1)));
  ASSERT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.error, ErrorCode::precondition_failed);
  EXPECT_EQ(end.result.record.value.view(), "else");
}

TEST_F(OperationWrite, CasFailsOnAMismatchOnlyOnceThatIsChosen) {
  Operation op = operation(cas("old", "new"));
  op.begin_prepare();
  const Step identity = both(op, holds(value_record(foreign(0, 3), "else", 1)), absent());
  ASSERT_EQ(identity.kind, Step::Kind::accept);
  EXPECT_EQ(identity.record.operation, operation_id(1));
  EXPECT_FALSE(op.attempted());  // the copy of another's write is no attempt of ours
  EXPECT_EQ(op.expire().error, ErrorCode::deadline_exceeded);
  EXPECT_EQ(op.on_reply(0, accepted()).kind, Step::Kind::wait);
  EXPECT_EQ(op.on_reply(1, accepted()).result.error, ErrorCode::precondition_failed);
}

TEST_F(OperationWrite, ExpectationsMatchWhatTheySay) {
  const Record value = value_record(foreign(1), "v", 5);
  const Record tombstone = tombstone_record(foreign(1), 5);
  Expectation absent_key;
  EXPECT_TRUE(absent_key.matches({}));
  EXPECT_TRUE(absent_key.matches(tombstone));
  EXPECT_FALSE(absent_key.matches(value));
  const Expectation bytes{Expectation::Kind::value, SharedBytes::copy_of("v"), {}};
  EXPECT_TRUE(bytes.matches(value));
  EXPECT_FALSE(bytes.matches(tombstone));
  const Expectation empty{Expectation::Kind::value, {}, {}};
  EXPECT_FALSE(empty.matches({}));  // an empty value is not absence
  const Expectation version{Expectation::Kind::version, {}, operation_id(5)};
  EXPECT_TRUE(version.matches(value));
  EXPECT_TRUE(version.matches(value.identity_at(foreign(9))));  // a copy is the same version
  EXPECT_FALSE(version.matches(tombstone));
  EXPECT_FALSE(version.matches(value_record(foreign(1), "v", 6)));
}

TEST_F(OperationWrite, CasMayRemove) {
  OperationRequest r = cas("old", "");
  r.cas_removes = true;
  Operation op = operation(std::move(r));
  op.begin_prepare();
  const Step accept = majority(op, holds(value_record(foreign(0, 3), "old", 1)));
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.kind, RecordKind::tombstone);
}

// ---- rule 12: in doubt ------------------------------------------------------------------------

TEST_F(OperationWrite, InDoubtItPreparesAboveEveryAttempt) {
  Operation op = operation(request(OperationKind::put));
  const Ballot first = put_in_doubt(op);
  const Step timed_out = op.on_timeout();
  ASSERT_EQ(timed_out.kind, Step::Kind::prepare);
  EXPECT_GT(timed_out.ballot, first);
}

TEST_F(OperationWrite, MineIsAcceptedAgainAndIsOkOnlyOnceChosen) {
  Operation op = operation(request(OperationKind::put));
  const Ballot first = put_in_doubt(op);
  const Step prepare = prepare_again(op);
  // Even if a majority holds it already, it must be chosen at the new ballot first.
  const Step accept = majority(op, holds(value_record(first, "new", mine, Ballot{})));
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.ballot, prepare.ballot);
  EXPECT_EQ(accept.record.operation, operation_id(mine));
  EXPECT_EQ(op.on_reply(0, accepted()).kind, Step::Kind::wait);
  EXPECT_EQ(op.on_reply(1, accepted()).result.error, ErrorCode::ok);
}

TEST_F(OperationWrite, AnotherCoordinatorsCopyOfMineIsMine) {
  Operation op = operation(request(OperationKind::put));
  put_in_doubt(op);
  prepare_again(op);
  const Record copy = value_record(foreign(8), "new", mine);  // base unknown, newer than my attempt
  EXPECT_EQ(both(op, absent(), holds(copy)).kind, Step::Kind::accept);
  EXPECT_EQ(majority(op, accepted()).result.error, ErrorCode::ok);
}

TEST_F(OperationWrite, OlderThanMyFirstAttemptIsProposedOnAgain) {
  Operation op = operation(request(OperationKind::put));
  put_in_doubt(op);
  prepare_again(op);
  const Record old = value_record(foreign(0, 3), "old", 1);
  const Step accept = majority(op, holds(old));
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.operation, operation_id(mine));
  EXPECT_EQ(accept.record.base, old.ballot);
}

TEST_F(OperationWrite, AFailureInDoubtNeedsTheMismatchChosenThoughItIsAgreed) {
  Operation op = operation(cas("old", "new"));
  op.begin_prepare();
  majority(op, holds(value_record(foreign(0, 3), "old", 1)));
  prepare_again(op);
  const Record mismatch = value_record(foreign(0, 4), "else", 2);  // older than my attempt
  const Step identity = majority(op, holds(mismatch));
  ASSERT_EQ(identity.kind, Step::Kind::accept);
  EXPECT_EQ(identity.record.operation, mismatch.operation);
  EXPECT_EQ(op.expire().error, ErrorCode::outcome_unknown);
  EXPECT_EQ(majority(op, accepted()).result.error, ErrorCode::precondition_failed);
}

TEST_F(OperationWrite, DerivedFromBeforeMyFirstAttemptMeansMineDied) {
  Operation op = operation(request(OperationKind::put));
  put_in_doubt(op);
  prepare_again(op);
  const Record later = value_record(foreign(8), "later", 2, foreign(0, 2));
  const Step accept = both(op, absent(), holds(later));
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.operation, operation_id(mine));
  EXPECT_EQ(accept.record.base, later.ballot);
}

TEST_F(OperationWrite, LaterWithAnUnknownBaseLeavesTheOutcomeUnknown) {
  Operation op = operation(request(OperationKind::put));
  put_in_doubt(op);
  prepare_again(op);
  const Step end = both(op, absent(), holds(value_record(foreign(8), "later", 2)));
  ASSERT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.error, ErrorCode::outcome_unknown);
}

TEST_F(OperationWrite, LaterAndDerivedFromMineOrLaterLeavesTheOutcomeUnknown) {
  Operation op = operation(request(OperationKind::put));
  const Ballot first = put_in_doubt(op);
  prepare_again(op);
  const Step end = both(op, absent(), holds(value_record(foreign(8), "later", 2, first)));
  EXPECT_EQ(end.result.error, ErrorCode::outcome_unknown);
}

// The heart of the first counterexample: the attempt that counts is the first, not the last.
TEST_F(OperationWrite, AReproposalDoesNotMoveTheFirstAttempt) {
  Operation op = operation(request(OperationKind::put));
  const Ballot first = put_in_doubt(op);
  prepare_again(op);
  const Step second = majority(op, absent());
  ASSERT_EQ(second.kind, Step::Kind::accept);
  prepare_after_refusal(op, foreign(20));
  // Derived from between my two attempts, that is perhaps from my first.
  const Record between = value_record(foreign(19), "2", 2, first);
  ASSERT_LT(first, second.record.ballot);
  EXPECT_EQ(both(op, absent(), holds(between)).result.error, ErrorCode::outcome_unknown);
}

TEST_F(OperationWrite, AnIdentityCopyOfSomethingOlderStillShowsThatMineDied) {
  // A reader chose the blind write that was there before mine again, above my attempt.
  Operation op = operation(request(OperationKind::put));
  put_in_doubt(op);
  prepare_again(op);
  const Record blind = value_record(foreign(0, 3), "old", 1);  // base unknown
  const Step accept = both(op, holds(blind), holds(blind.identity_at(foreign(8))));
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.operation, operation_id(mine));
}

TEST_F(OperationWrite, AnIdentityCopyOfAbsenceStillShowsThatMineDied) {
  Operation op = operation(request(OperationKind::put));
  put_in_doubt(op);
  prepare_again(op);
  const Record copy = Record{}.identity_at(foreign(8));
  ASSERT_EQ(copy.kind, RecordKind::tombstone);
  const Step accept = majority(op, holds(copy));
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.operation, operation_id(mine));
}

TEST_F(OperationWrite, PurgedSinceMyFirstAttemptLeavesTheOutcomeUnknown) {
  Operation op = operation(request(OperationKind::put));
  const Ballot first = put_in_doubt(op);
  prepare_again(op);
  Ballot floor = first;
  ++floor.round;
  EXPECT_EQ(majority(op, absent(floor)).result.error, ErrorCode::outcome_unknown);
}

TEST_F(OperationWrite, PurgedBeforeMyFirstAttemptIsOlder) {
  Operation op = operation(request(OperationKind::put), 4);
  const Ballot first = put_in_doubt(op);
  prepare_again(op);
  ASSERT_LT(foreign(2), first);
  EXPECT_EQ(majority(op, absent(foreign(2))).kind, Step::Kind::accept);
}

// ---- rule 15: the window ----------------------------------------------------------------------

TEST_F(OperationWrite, AttemptsStayAboveTheWindowsLowEnd) {
  OperationRequest r = request(OperationKind::put);
  r.window.low = foreign(30);
  Operation op = operation(std::move(r));
  EXPECT_EQ(op.begin_prepare().ballot.round, 31U);
}

TEST_F(OperationWrite, AStaleWindowIsNotApplied) {
  OperationRequest r = request(OperationKind::put);
  r.window.round_high = 5;
  Operation op = operation(std::move(r), 5);
  const Step end = op.begin_prepare();
  ASSERT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.error, ErrorCode::window_stale);
  EXPECT_EQ(end.result.round_seen, 5U);
}

TEST_F(OperationWrite, AWindowThatProvesTooLowBeforeAnythingIsSentIsStale) {
  OperationRequest r = request(OperationKind::put);
  r.window.round_high = 5;
  Operation op = operation(std::move(r));
  op.begin_prepare();
  majority(op, refused(foreign(5)));
  EXPECT_EQ(op.on_timeout().result.error, ErrorCode::window_stale);
}

TEST_F(OperationWrite, OutOfTheWindowAfterAnAttemptIsUnknown) {
  OperationRequest r = request(OperationKind::put);
  r.window.round_high = 5;
  Operation op = operation(std::move(r));
  put_in_doubt(op);
  majority(op, refused(foreign(5)));
  EXPECT_EQ(op.on_timeout().result.error, ErrorCode::outcome_unknown);
}

TEST_F(OperationWrite, ExpiresUnknownOnceAnAttemptWasSent) {
  Operation op = operation(request(OperationKind::put));
  op.begin_prepare();
  majority(op, absent());
  EXPECT_EQ(op.expire().error, ErrorCode::outcome_unknown);
}

}  // namespace
}  // namespace grey::cluster
