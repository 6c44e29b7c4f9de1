#include "cluster/register/acceptor.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace grey::cluster {
namespace {

constexpr std::uint64_t epoch = 7;

Ballot at(std::uint64_t round, NodeId node = 1, std::uint64_t sequence = 1) {
  return {epoch, round, node, 1, sequence};
}

Record value_at(const Ballot& ballot, ByteView value, std::uint64_t operation = 1) {
  Record record;
  record.ballot = ballot;
  record.kind = RecordKind::value;
  record.operation = {{1, 1}, operation};
  record.value = SharedBytes::copy_of(value);
  return record;
}

class AcceptorTest : public ::testing::Test {
 protected:
  template <typename Body>
  static ReplicaRequest request(Body body) {
    return {epoch, 42, KeyName::make("t", "k", 1), std::move(body)};
  }
  AcceptorOutcome prepare(const Ballot& b) { return key_request(PrepareRequest{b}); }
  AcceptorOutcome accept(const Record& r) { return key_request(AcceptRequest{r}); }
  AcceptorOutcome read(bool want_value = true) { return key_request(ReadRequest{want_value}); }
  AcceptorOutcome prepare_range(const Ballot& b) {
    AcceptorOutcome out = acceptor_.on_range_request(request(PrepareRangeRequest{b}), range_);
    Acceptor::check_invariants(range_, key_);
    return out;
  }
  template <typename Body>
  AcceptorOutcome key_request(Body body) {
    AcceptorOutcome out = acceptor_.on_key_request(request(std::move(body)), range_, key_);
    Acceptor::check_invariants(range_, key_);
    return out;
  }

  Acceptor acceptor_{epoch};
  RangeState range_;
  KeyState key_;
};

// ---- rule 2: PREPARE --------------------------------------------------------------------------

TEST_F(AcceptorTest, PrepareIsGrantedAndMustBeDurable) {
  const AcceptorOutcome out = prepare(at(1));
  EXPECT_TRUE(out.reply.granted);
  EXPECT_EQ(out.change, AcceptorChange::key_promise);
  EXPECT_EQ(out.reply.key_promise, at(1));
  EXPECT_EQ(out.reply.epoch, epoch);
  EXPECT_EQ(out.reply.record.kind, RecordKind::absent);
  EXPECT_EQ(key_.promised, at(1));
}

TEST_F(AcceptorTest, PrepareReportsTheAcceptedRecordWithItsValue) {
  accept(value_at(at(1), "one"));
  const AcceptorOutcome out = prepare(at(2));
  ASSERT_TRUE(out.reply.granted);
  EXPECT_EQ(out.reply.record.ballot, at(1));
  EXPECT_TRUE(out.reply.value_included);
  EXPECT_EQ(out.reply.record.value.view(), "one");
}

TEST_F(AcceptorTest, PrepareAtOrBelowAPromiseIsRefusedAndChangesNothing) {
  prepare(at(5));
  for (const Ballot& b : {at(5), at(4), at(5, 0)}) {
    const AcceptorOutcome out = prepare(b);
    EXPECT_FALSE(out.reply.granted) << b.to_string();
    EXPECT_EQ(out.change, AcceptorChange::none);
    EXPECT_EQ(out.reply.key_promise, at(5));
  }
}

TEST_F(AcceptorTest, PrepareAtOrBelowTheRangePromiseIsRefused) {
  prepare_range(at(5));
  EXPECT_FALSE(prepare(at(4)).reply.granted);
  EXPECT_FALSE(prepare(at(5)).reply.granted);
  EXPECT_EQ(prepare(at(4)).reply.range_promise, at(5));
  EXPECT_TRUE(prepare(at(5, 1, 2)).reply.granted);
}

TEST_F(AcceptorTest, PrepareAtOrBelowTheAcceptedBallotIsRefused) {
  accept(value_at(at(5), "x"));
  EXPECT_FALSE(prepare(at(5)).reply.granted);
  EXPECT_FALSE(prepare(at(4)).reply.granted);
}

// ---- rule 3: ACCEPT ---------------------------------------------------------------------------

TEST_F(AcceptorTest, AcceptStoresTheRecordAndPromisesItsBallot) {
  const AcceptorOutcome out = accept(value_at(at(3), "x"));
  EXPECT_TRUE(out.reply.granted);
  EXPECT_EQ(out.change, AcceptorChange::key_record);
  EXPECT_EQ(key_.promised, at(3));
  EXPECT_FALSE(prepare(at(3)).reply.granted);
  EXPECT_FALSE(accept(value_at(at(2), "late")).reply.granted);
  EXPECT_EQ(key_.accepted.value.view(), "x");
}

TEST_F(AcceptorTest, AcceptAtThePromisedBallotIsGranted) {
  prepare(at(3));
  EXPECT_TRUE(accept(value_at(at(3), "x")).reply.granted);
}

TEST_F(AcceptorTest, AcceptBelowAKeyPromiseIsRefused) {
  prepare(at(4));
  const AcceptorOutcome out = accept(value_at(at(3), "x"));
  EXPECT_FALSE(out.reply.granted);
  EXPECT_EQ(out.change, AcceptorChange::none);
  EXPECT_EQ(key_.accepted.kind, RecordKind::absent);
}

TEST_F(AcceptorTest, AcceptBelowARangePromiseIsRefusedThoughTheKeyPromisedNothing) {
  prepare_range(at(4));
  EXPECT_FALSE(accept(value_at(at(3), "x")).reply.granted);
  EXPECT_TRUE(accept(value_at(at(4, 1, 9), "home")).reply.granted);
}

TEST_F(AcceptorTest, ARepeatedAcceptIsGrantedAgainWithoutAnotherWrite) {
  accept(value_at(at(3), "x"));
  prepare(at(9));  // also after a later promise: it is accepted, and says so
  const AcceptorOutcome out = accept(value_at(at(3), "x"));
  EXPECT_TRUE(out.reply.granted);
  EXPECT_EQ(out.change, AcceptorChange::none);
  EXPECT_EQ(key_.promised, at(9));
}

TEST_F(AcceptorTest, AnAcceptThatWasReplacedIsRefusedWhenItComesAgain) {
  accept(value_at(at(3), "x"));
  accept(value_at(at(4), "y"));
  EXPECT_FALSE(accept(value_at(at(3), "x")).reply.granted);
  EXPECT_EQ(key_.accepted.value.view(), "y");
}

// ---- rule 6: READ -----------------------------------------------------------------------------

TEST_F(AcceptorTest, ReadChangesNothingAndReportsPromises) {
  prepare_range(at(2));
  prepare(at(3));
  const AcceptorOutcome out = read();
  EXPECT_TRUE(out.reply.granted);
  EXPECT_EQ(out.change, AcceptorChange::none);
  EXPECT_EQ(out.reply.range_promise, at(2));
  EXPECT_EQ(out.reply.key_promise, at(3));
  EXPECT_EQ(out.reply.highest_promise(), at(3));
}

TEST_F(AcceptorTest, DigestReadKeepsTheValueBack) {
  accept(value_at(at(3), "x"));
  const AcceptorOutcome digest = read(false);
  EXPECT_FALSE(digest.reply.value_included);
  EXPECT_TRUE(digest.reply.record.value.empty());
  EXPECT_TRUE(digest.reply.record.has_value());
  EXPECT_EQ(digest.reply.record.ballot, at(3));
  EXPECT_TRUE(read(true).reply.value_included);
  EXPECT_EQ(key_.accepted.value.view(), "x");
}

TEST_F(AcceptorTest, DigestReadOfAnAbsentKeyOrTombstoneIsComplete) {
  EXPECT_TRUE(read(false).reply.value_included);
  Record tombstone = value_at(at(2), "");
  tombstone.kind = RecordKind::tombstone;
  accept(tombstone);
  EXPECT_TRUE(read(false).reply.value_included);
}

TEST_F(AcceptorTest, AbsenceIsReportedAtThePurgeFloor) {
  range_.promised = at(4);
  range_.purge_floor = at(4);
  const AcceptorOutcome out = read();
  EXPECT_EQ(out.reply.record.kind, RecordKind::absent);
  EXPECT_EQ(out.reply.record.ballot, at(4));
  EXPECT_EQ(out.reply.record.base, std::nullopt);
  EXPECT_EQ(out.reply.purge_floor, at(4));
}

// ---- range promises ---------------------------------------------------------------------------

TEST_F(AcceptorTest, RangePromiseIsDurableOnceAndAnsweredAgainWhenRepeated) {
  EXPECT_EQ(prepare_range(at(3)).change, AcceptorChange::range);
  const AcceptorOutcome again = prepare_range(at(3));
  EXPECT_TRUE(again.reply.granted);
  EXPECT_EQ(again.change, AcceptorChange::none);
  const AcceptorOutcome lower = prepare_range(at(2));
  EXPECT_FALSE(lower.reply.granted);
  EXPECT_EQ(lower.reply.range_promise, at(3));
}

// ---- epochs (rules 1 and 14) ------------------------------------------------------------------

TEST_F(AcceptorTest, AnotherEpochGetsNoVoteAndChangesNothing) {
  for (const std::uint64_t other : {epoch - 1, epoch + 1}) {
    ReplicaRequest message = request(PrepareRequest{at(9)});
    message.epoch = other;
    AcceptorOutcome out = acceptor_.on_key_request(message, range_, key_);
    EXPECT_EQ(out.reply.error, ErrorCode::wrong_epoch);
    EXPECT_EQ(out.reply.epoch, epoch);
    EXPECT_FALSE(out.reply.granted);
    message.body = ReadRequest{};
    EXPECT_EQ(acceptor_.on_key_request(message, range_, key_).reply.error, ErrorCode::wrong_epoch);
    message.body = PrepareRangeRequest{at(9)};
    EXPECT_EQ(acceptor_.on_range_request(message, range_).reply.error, ErrorCode::wrong_epoch);
  }
  EXPECT_FALSE(key_.promised);
  EXPECT_FALSE(range_.promised);
}

TEST_F(AcceptorTest, ABallotOfAnotherEpochInAMessageOfThisOneIsRefused) {
  for (const std::uint64_t other : {epoch - 1, epoch + 1}) {
    Ballot foreign = at(9);
    foreign.epoch = other;
    EXPECT_EQ(prepare(foreign).reply.error, ErrorCode::wrong_epoch);
    EXPECT_EQ(accept(value_at(foreign, "x")).reply.error, ErrorCode::wrong_epoch);
    EXPECT_EQ(prepare_range(foreign).reply.error, ErrorCode::wrong_epoch);
  }
  EXPECT_FALSE(key_.promised);
  EXPECT_FALSE(range_.promised);
}

// ---- what a broken peer may send --------------------------------------------------------------

TEST_F(AcceptorTest, AnImpossibleRecordIsRefusedAndNotStored) {
  Record absent = value_at(at(3), "");
  absent.kind = RecordKind::absent;
  Record tombstone_with_value = value_at(at(3), "x");
  tombstone_with_value.kind = RecordKind::tombstone;
  Record base_at_ballot = value_at(at(3), "x");
  base_at_ballot.base = at(3);
  for (const Record& record : {absent, tombstone_with_value, base_at_ballot}) {
    const AcceptorOutcome out = accept(record);
    EXPECT_EQ(out.reply.error, ErrorCode::bad_request);
    EXPECT_EQ(out.change, AcceptorChange::none);
  }
  EXPECT_FALSE(key_.promised);
}

// ---- any order, any repetition ----------------------------------------------------------------

// Random messages, each perhaps repeated: promises and accepted ballots never go down, what was
// granted was allowed by every promise before it, and nothing is accepted twice with two contents.
TEST_F(AcceptorTest, PromisesHoldUnderAnyScheduleOfMessages) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    range_ = {};
    key_ = {};
    std::vector<ReplicaRequest> sent;
    Ballot granted_promise;  // the highest that a reply has promised for this key
    for (int step = 0; step < 60; ++step) {
      ReplicaRequest message;
      if (!sent.empty() && random.chance(0.3)) {
        message = sent[random.below(sent.size())];
      } else {
        const Ballot b = at(random.between(1, 6), static_cast<NodeId>(random.between(1, 2)),
                            random.between(1, 3));
        const Bytes content = b.to_string();  // a ballot proposes one thing only
        switch (random.below(4)) {
          case 0:
            message = request(PrepareRequest{b});
            break;
          case 1:
            message = request(PrepareRangeRequest{b});
            break;
          case 2:
            message = request(ReadRequest{});
            break;
          default:
            message = request(AcceptRequest{value_at(b, content)});
        }
        sent.push_back(message);
      }
      const RangeState range_before = range_;
      const KeyState key_before = key_;
      const bool of_range = std::holds_alternative<PrepareRangeRequest>(message.body);
      const AcceptorOutcome out = of_range ? acceptor_.on_range_request(message, range_)
                                           : acceptor_.on_key_request(message, range_, key_);
      Acceptor::check_invariants(range_, key_);
      ASSERT_GE(range_.promised, range_before.promised);
      ASSERT_GE(key_.promised, key_before.promised);
      ASSERT_GE(key_.accepted.ballot, key_before.accepted.ballot);
      if (out.change == AcceptorChange::none) {
        ASSERT_EQ(key_.promised, key_before.promised);
        ASSERT_EQ(key_.accepted.ballot, key_before.accepted.ballot);
        ASSERT_EQ(range_.promised, range_before.promised);
      }
      if (out.change == AcceptorChange::key_record) {
        ASSERT_GE(key_.accepted.ballot, granted_promise) << "seed " << seed;
        ASSERT_EQ(key_.accepted.value.view(), key_.accepted.ballot.to_string());
      }
      const bool is_promise = of_range || std::holds_alternative<PrepareRequest>(message.body);
      if (is_promise && out.reply.granted) {
        granted_promise = std::max(granted_promise, out.reply.highest_promise());
      }
    }
  }
}

}  // namespace
}  // namespace grey::cluster
