// Operations under a range promise: rules 8 to 11.
#include "cluster/register/testing/operation_fixture.h"

namespace grey::cluster {
namespace {

class OperationHome : public OperationFixture {
 protected:
  OperationHome() : home_(ballots_.mint(3)) {}

  /// A reply to READ of a replica that has promised the range to this home.
  ReplicaReply promised(const Record& record) const { return holds(record, home_); }
  ReplicaReply promised_absent() const {
    ReplicaReply r = absent();
    r.range_promise = home_;
    return r;
  }
  /// The home's last chosen write.
  Record cached(ByteView value) { return value_record(ballots_.mint(3), value, 1); }

  const Ballot home_;
};

TEST_F(OperationHome, ABlindWriteIsOneRoundAndItsBaseIsUnknown) {
  for (const OperationKind kind : {OperationKind::put, OperationKind::remove}) {
    Operation op = operation(request(kind));
    const Step accept = op.begin_home_accept(home_, nullptr);
    ASSERT_EQ(accept.kind, Step::Kind::accept);
    EXPECT_TRUE(accept.record.ballot.same_interval(home_));
    EXPECT_GT(accept.record.ballot, home_);
    EXPECT_EQ(accept.record.base, std::nullopt);
    const Step end = majority(op, accepted());
    EXPECT_EQ(end.result.error, ErrorCode::ok);
    EXPECT_TRUE(end.result.fast_path);
    EXPECT_FALSE(op.prepared());
  }
}

TEST_F(OperationHome, ACasOnTheLastChosenWriteIsOneRound) {
  const Record last = cached("old");
  Operation op = operation(cas("old", "new"));
  const Step accept = op.begin_home_accept(home_, &last);
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.base, last.ballot);
  EXPECT_GT(accept.record.ballot, last.ballot);
  EXPECT_TRUE(majority(op, accepted()).result.fast_path);
}

// An operation may start before its coordinator knows of the promise that it then runs under.
TEST_F(OperationHome, InDoubtItPreparesAboveTheHomesRound) {
  Operation put = operation(request(OperationKind::put), 0);
  const Step accept = put.begin_home_accept(home_, nullptr);
  const Step prepare = put.on_timeout();
  ASSERT_EQ(prepare.kind, Step::Kind::prepare);
  EXPECT_GT(prepare.ballot, accept.record.ballot);
  EXPECT_GT(prepare.ballot.round, home_.round);

  Operation compare = operation(cas("old", "new"), 0);
  compare.begin_home_read(home_);
  EXPECT_GT(compare.on_timeout().ballot.round, home_.round);
}

TEST_F(OperationHome, ARefusedBlindWriteIsInDoubt) {
  Operation op = operation(request(OperationKind::put));
  op.begin_home_accept(home_, nullptr);
  prepare_after_refusal(op, foreign(9));
  EXPECT_EQ(op.expire().error, ErrorCode::outcome_unknown);
  const Step again = majority(op, absent());
  ASSERT_EQ(again.kind, Step::Kind::accept);
  const Step end = majority(op, accepted());
  EXPECT_EQ(end.result.error, ErrorCode::ok);
  EXPECT_FALSE(end.result.fast_path);
}

// ---- rule 10: CAS without a cache -------------------------------------------------------------

TEST_F(OperationHome, ACasReadsAMajorityThatPromisedAndProposesOnIt) {
  Operation op = operation(cas("old", "new"));
  const Step read = op.begin_home_read(home_);
  EXPECT_EQ(read.kind, Step::Kind::read);
  EXPECT_TRUE(read.want_values);
  const Record old = value_record(foreign(1), "old", 1);
  const Step accept = both(op, promised_absent(), promised(old));
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.base, old.ballot);
  EXPECT_TRUE(accept.record.ballot.same_interval(home_));
  EXPECT_TRUE(majority(op, accepted()).result.fast_path);
}

TEST_F(OperationHome, ReplicasThatHaveNotPromisedDoNotCount) {
  Operation op = operation(cas("old", "new"));
  op.begin_home_read(home_);
  const Record old = value_record(foreign(1), "old", 1);
  EXPECT_EQ(both(op, promised(old), holds(old, foreign(1))).kind, Step::Kind::wait);
  EXPECT_EQ(op.on_reply(2, promised(old)).kind, Step::Kind::accept);
}

TEST_F(OperationHome, WithoutAPromisedMajorityItPrepares) {
  Operation op = operation(cas("old", "new"));
  op.begin_home_read(home_);
  const Record old = value_record(foreign(1), "old", 1);
  Ballot newer_promise = home_;
  newer_promise.round += 2;
  op.on_reply(0, promised(old));
  op.on_reply(1, holds(old, newer_promise));
  const Step prepare = op.on_no_reply(2);
  ASSERT_EQ(prepare.kind, Step::Kind::prepare);
  EXPECT_GT(prepare.ballot, newer_promise);
}

TEST_F(OperationHome, ARecordAboveTheIntervalMakesItPrepare) {
  Operation op = operation(cas("old", "new"));
  op.begin_home_read(home_);
  const Record raised = value_record(foreign(8), "old", 1);
  const Step prepare = both(op, promised(raised), promised(raised));
  ASSERT_EQ(prepare.kind, Step::Kind::prepare);
  EXPECT_GT(prepare.ballot, raised.ballot);
}

TEST_F(OperationHome, ARecordOfTheIntervalItselfIsInReach) {
  const Record own = cached("old");
  Operation op = operation(cas("old", "new"));
  op.begin_home_read(home_);
  const Step accept = majority(op, promised(own));
  ASSERT_EQ(accept.kind, Step::Kind::accept);
  EXPECT_EQ(accept.record.base, own.ballot);
}

// ---- rule 11: failures ------------------------------------------------------------------------

TEST_F(OperationHome, AnAgreedMismatchFailsTheCas) {
  Operation op = operation(cas("old", "new"));
  op.begin_home_read(home_);
  const Step end = majority(op, promised(value_record(foreign(1), "else", 1)));
  ASSERT_EQ(end.kind, Step::Kind::finish);
  EXPECT_EQ(end.result.error, ErrorCode::precondition_failed);
  EXPECT_FALSE(op.attempted());
}

TEST_F(OperationHome, AMismatchWithoutAgreementIsNoFailureYet) {
  Operation op = operation(cas("old", "new"));
  op.begin_home_read(home_);
  const Step next = both(op, promised(value_record(foreign(1), "else", 1)), promised_absent());
  EXPECT_EQ(next.kind, Step::Kind::prepare);
}

// ---- rule 15: RESOLVE -------------------------------------------------------------------------

class OperationResolve : public OperationFixture {
 protected:
  static OperationRequest resolve(const Ballot& low, std::uint64_t high) {
    OperationRequest r = request(OperationKind::resolve);
    r.window = {test_epoch, low, high};
    return r;
  }
  /// The answer when `newest` is what the PREPARE finds.
  ErrorCode answer_for(const Record& newest) {
    Operation op = operation(resolve(foreign(2), 6));
    op.begin_prepare();
    const Step identity =
        majority(op, newest.kind == RecordKind::absent ? absent(newest.ballot) : holds(newest));
    EXPECT_EQ(identity.kind, Step::Kind::accept);  // never an answer before it is chosen
    EXPECT_EQ(identity.record.operation, newest.operation);
    EXPECT_EQ(op.expire().error, ErrorCode::outcome_unknown);
    EXPECT_EQ(op.on_reply(0, accepted()).kind, Step::Kind::wait);
    const Step end = op.on_reply(1, accepted());
    EXPECT_EQ(end.kind, Step::Kind::finish);
    return end.result.error;
  }
};

TEST_F(OperationResolve, PreparesAboveTheWindow) {
  Operation op = operation(resolve(foreign(2), 6));
  EXPECT_EQ(op.begin_prepare().ballot.round, 7U);
  Operation late = operation(resolve(foreign(2), 6), 30);
  EXPECT_EQ(late.begin_prepare().ballot.round, 31U);
}

TEST_F(OperationResolve, ItsOwnRecordMeansApplied) {
  EXPECT_EQ(answer_for(value_record(foreign(5), "new", mine)), ErrorCode::ok);
  EXPECT_EQ(answer_for(value_record(foreign(9), "new", mine)), ErrorCode::ok);  // a copy
}

TEST_F(OperationResolve, ARecordFromBelowTheWindowMeansNeverApplied) {
  EXPECT_EQ(answer_for(value_record(foreign(2), "old", 1)), ErrorCode::cancelled);
  EXPECT_EQ(answer_for(value_record(foreign(1), "old", 1)), ErrorCode::cancelled);
  EXPECT_EQ(answer_for(Record{}), ErrorCode::cancelled);
}

TEST_F(OperationResolve, DerivedFromBelowTheWindowMeansNeverApplied) {
  EXPECT_EQ(answer_for(value_record(foreign(5), "later", 1, foreign(2))), ErrorCode::cancelled);
  const Record blind = value_record(foreign(1), "old", 1);
  EXPECT_EQ(answer_for(blind.identity_at(foreign(5))), ErrorCode::cancelled);
}

TEST_F(OperationResolve, AnythingElseIsUnknown) {
  EXPECT_EQ(answer_for(value_record(foreign(5), "later", 1)), ErrorCode::outcome_unknown);
  EXPECT_EQ(answer_for(value_record(foreign(5), "later", 1, foreign(3))),
            ErrorCode::outcome_unknown);
  Record purged;
  purged.ballot = foreign(4);
  EXPECT_EQ(answer_for(purged), ErrorCode::outcome_unknown);
}

TEST_F(OperationResolve, ASecondTryStillKnowsWhatTheFirstFound) {
  Operation op = operation(resolve(foreign(2), 6));
  op.begin_prepare();
  const Step copy = majority(op, holds(value_record(foreign(1), "old", 1)));
  prepare_after_refusal(op, foreign(9));
  const Step again = both(op, holds(copy.record), absent());  // the copy reached one replica
  ASSERT_EQ(again.kind, Step::Kind::accept);
  EXPECT_EQ(majority(op, accepted()).result.error, ErrorCode::cancelled);
}

}  // namespace
}  // namespace grey::cluster
