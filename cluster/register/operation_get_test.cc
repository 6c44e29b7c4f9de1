// GET: rules 4, 6, 7 and 18, and digest reads.
#include "cluster/register/testing/operation_fixture.h"

namespace grey::cluster {
namespace {

class OperationGet : public OperationFixture {
 protected:
  Operation get() { return operation(request(OperationKind::get)); }
  /// A GET whose two reads found no agreement, at its PREPARE.
  Step disagree_until_prepare(Operation& op, const Record& one, const Record& other) {
    op.begin_read();
    op.on_reply(0, holds(one));
    op.on_reply(1, holds(other));
    EXPECT_EQ(op.on_no_reply(2).kind, Step::Kind::pause);
    EXPECT_EQ(op.on_timeout().kind, Step::Kind::read);
    op.on_reply(0, holds(one));
    op.on_reply(1, holds(other));
    return op.on_no_reply(2);
  }
  const Record old_ = value_record(foreign(1), "v", 1);
  const Record newer_ = value_record(foreign(2), "v", 2);  // the same value, another write
};

TEST_F(OperationGet, AgreementOfAMajorityIsTheAnswerInOneRound) {
  Operation op = get();
  EXPECT_EQ(op.begin_read().kind, Step::Kind::read);
  const Step end = majority(op, holds(old_));
  ASSERT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.error, ErrorCode::ok);
  EXPECT_EQ(end.result.record.value.view(), "v");
  EXPECT_EQ(end.result.record.operation, operation_id(1));
}

TEST_F(OperationGet, AgreedAbsenceAndAgreedTombstoneAreNotFound) {
  Operation op = get();
  op.begin_read();
  EXPECT_EQ(majority(op, absent()).result.error, ErrorCode::not_found);
  Operation other = get();
  other.begin_read();
  const Step end = majority(other, holds(tombstone_record(foreign(3), 1)));
  EXPECT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.error, ErrorCode::not_found);
}

TEST_F(OperationGet, AThirdHigherReplyDoesNotMatter) {
  Operation op = get();
  op.begin_read();
  EXPECT_EQ(op.on_reply(2, holds(newer_)).kind, Step::Kind::wait);
  EXPECT_EQ(op.on_reply(0, holds(old_)).kind, Step::Kind::wait);
  const Step end = op.on_reply(1, holds(old_));
  ASSERT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.record.ballot, old_.ballot);
}

TEST_F(OperationGet, TheSameValueAtTwoBallotsIsNoAgreement) {
  Operation op = get();
  op.begin_read();
  const Step wait = both(op, holds(old_), holds(newer_));
  EXPECT_EQ(wait.kind, Step::Kind::wait);
  EXPECT_TRUE(wait.hurry);
}

TEST_F(OperationGet, AsksOnceMoreBeforeItPrepares) {
  Operation op = get();
  const Step prepare = disagree_until_prepare(op, old_, newer_);
  EXPECT_EQ(prepare.kind, Step::Kind::prepare);
  EXPECT_GT(prepare.ballot, newer_.ballot);
  EXPECT_TRUE(op.prepared());
}

TEST_F(OperationGet, WithoutAgreementTheLargestIsChosenAgainUnderItsOwnOperationId) {
  Operation op = get();
  const Step prepare = disagree_until_prepare(op, newer_, old_);
  const Step identity = both(op, holds(old_), holds(newer_));
  ASSERT_EQ(identity.kind, Step::Kind::accept);
  EXPECT_EQ(identity.record.ballot, prepare.ballot);
  EXPECT_EQ(identity.record.operation, newer_.operation);
  EXPECT_EQ(identity.record.base, newer_.ballot);  // unknown at the source: the source itself
  EXPECT_EQ(op.on_reply(0, accepted()).kind, Step::Kind::wait);  // one is not chosen
  const Step end = op.on_reply(2, accepted());
  ASSERT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.error, ErrorCode::ok);
  EXPECT_FALSE(op.attempted());
}

TEST_F(OperationGet, AnIdentityCopyInheritsAKnownBase) {
  Operation op = get();
  Record derived = newer_;
  derived.base = old_.ballot;
  disagree_until_prepare(op, old_, derived);
  const Step identity = both(op, holds(derived), holds(old_));
  ASSERT_EQ(identity.kind, Step::Kind::accept);
  EXPECT_EQ(identity.record.base, old_.ballot);
}

TEST_F(OperationGet, AgreementInThePrepareRepliesSkipsTheIdentityRound) {
  Operation op = get();
  disagree_until_prepare(op, old_, newer_);
  const Step end = majority(op, holds(newer_));
  ASSERT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.record.ballot, newer_.ballot);
}

TEST_F(OperationGet, AnIdentityRoundOfAbsenceWritesATombstone) {
  Operation op = get();
  op.begin_read();
  op.on_timeout();
  const Step prepare = op.on_timeout();
  ASSERT_EQ(prepare.kind, Step::Kind::prepare);
  // The floor is above the record that another replica still has.
  const Step identity = both(op, absent(foreign(4)), holds(old_));
  ASSERT_EQ(identity.kind, Step::Kind::accept);
  EXPECT_EQ(identity.record.kind, RecordKind::tombstone);
  EXPECT_EQ(identity.record.ballot, prepare.ballot);
  EXPECT_EQ(identity.record.base, foreign(4));
  EXPECT_EQ(majority(op, accepted()).result.error, ErrorCode::not_found);
}

TEST_F(OperationGet, AbsenceAtTwoFloorsIsAgreed) {
  Operation op = get();
  op.begin_read();
  EXPECT_EQ(both(op, absent(foreign(3)), absent(foreign(4))).result.error, ErrorCode::not_found);
}

TEST_F(OperationGet, ARefusedIdentityRoundIsTriedAgainHigher) {
  Operation op = get();
  const Step first = disagree_until_prepare(op, old_, newer_);
  both(op, holds(old_), holds(newer_));
  const Step again = prepare_after_refusal(op, foreign(50));
  EXPECT_GT(again.ballot, first.ballot);
  EXPECT_EQ(again.ballot.round, 51U);  // no window binds a reader
}

// ---- digest reads -----------------------------------------------------------------------------

TEST_F(OperationGet, ADigestAgreesAndTheValueComesFromWhoeverSentIt) {
  Operation op = get();
  EXPECT_FALSE(op.begin_read().want_values);
  const Step end = both(op, digest_of(old_), holds(old_));
  ASSERT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.record.value.view(), "v");
}

TEST_F(OperationGet, AgreedDigestsWaitShortlyForTheValueAndThenAskEverybodyForIt) {
  Operation op = get();
  op.begin_read();
  const Step wait = majority(op, digest_of(old_));
  EXPECT_EQ(wait.kind, Step::Kind::wait);
  EXPECT_TRUE(wait.hurry);
  const Step again = op.on_timeout();
  EXPECT_EQ(again.kind, Step::Kind::read);
  EXPECT_TRUE(again.want_values);
  EXPECT_EQ(majority(op, holds(old_)).result.record.value.view(), "v");
}

TEST_F(OperationGet, AValueOfAnotherBallotIsNotTheAgreedOne) {
  Operation op = get();
  op.begin_read();
  op.on_reply(0, holds(value_record(foreign(9), "other", 3)));
  op.on_reply(1, digest_of(old_));
  const Step again = op.on_reply(2, digest_of(old_));
  EXPECT_EQ(again.kind, Step::Kind::read);
  EXPECT_TRUE(again.want_values);
}

TEST_F(OperationGet, ADigestOfATombstoneIsComplete) {
  Operation op = get();
  op.begin_read();
  const Step end = majority(op, digest_of(tombstone_record(foreign(2), 1)));
  ASSERT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.error, ErrorCode::not_found);
}

// ---- purge floors -----------------------------------------------------------------------------

TEST_F(OperationGet, ATombstoneAtOrBelowTheLargestFloorAgreesWithAbsence) {
  for (const bool tombstone_first : {true, false}) {
    Operation op = get();
    op.begin_read();
    const ReplicaReply kept = holds(tombstone_record(foreign(2), 1));
    const ReplicaReply dropped = absent(foreign(4));
    const Step end = tombstone_first ? both(op, kept, dropped) : both(op, dropped, kept);
    ASSERT_EQ(end.kind, Step::Kind::finish);
    EXPECT_EQ(end.result.error, ErrorCode::not_found);
  }
}

TEST_F(OperationGet, ATombstoneAboveTheFloorDoesNotAgreeWithAbsence) {
  Operation op = get();
  op.begin_read();
  const Step wait = both(op, holds(tombstone_record(foreign(5), 1)), absent(foreign(4)));
  EXPECT_EQ(wait.kind, Step::Kind::wait);
}

TEST_F(OperationGet, AValueBelowTheFloorIsNeverTakenForAbsence) {
  Operation op = get();
  op.begin_read();
  EXPECT_EQ(both(op, holds(old_), absent(foreign(4))).kind, Step::Kind::wait);
}

// ---- who has a vote ---------------------------------------------------------------------------

TEST_F(OperationGet, AFaultyReplicaOrOneOfAnotherEpochHasNoVote) {
  Operation op = get();
  op.begin_read();
  EXPECT_EQ(op.on_reply(0, holds(old_)).kind, Step::Kind::wait);
  EXPECT_EQ(op.on_reply(1, failed(ErrorCode::storage_corrupt)).kind, Step::Kind::wait);
  ReplicaReply other_epoch = holds(old_);
  other_epoch.epoch = test_epoch + 1;
  // One vote, two without: no majority, so it asks again.
  EXPECT_EQ(op.on_reply(2, other_epoch).kind, Step::Kind::pause);
}

TEST_F(OperationGet, ARepeatedReplyCountsOnce) {
  Operation op = get();
  op.begin_read();
  EXPECT_EQ(op.on_reply(0, holds(old_)).kind, Step::Kind::wait);
  EXPECT_EQ(op.on_reply(0, holds(old_)).kind, Step::Kind::wait);
  EXPECT_TRUE(op.settled(0));
  EXPECT_EQ(op.on_reply(1, holds(old_)).kind, Step::Kind::finish);
}

TEST_F(OperationGet, ExpiresHonestly) {
  Operation op = get();
  op.begin_read();
  EXPECT_EQ(op.expire().error, ErrorCode::no_quorum);
  both(op, holds(old_), holds(newer_));
  EXPECT_EQ(op.expire().error, ErrorCode::deadline_exceeded);
}

}  // namespace
}  // namespace grey::cluster
