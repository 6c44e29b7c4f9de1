// What tests of one operation share: a source of ballots, and replies written by hand.
#pragma once
#include <gtest/gtest.h>

#include <optional>

#include "cluster/register/operation.h"

namespace grey::cluster {

inline constexpr std::uint64_t test_epoch = 1;
inline constexpr NodeId test_self = 9;

/// A ballot of another coordinator, unless `node` says otherwise.
inline Ballot foreign(std::uint64_t round, std::uint64_t sequence = 1, NodeId node = 5) {
  return {test_epoch, round, node, 1, sequence};
}

inline OperationId operation_id(std::uint64_t number) { return {{1, 2}, number}; }

inline Record value_record(const Ballot& ballot, ByteView value, std::uint64_t operation,
                           std::optional<Ballot> base = {}) {
  Record record;
  record.ballot = ballot;
  record.kind = RecordKind::value;
  record.base = base;
  record.operation = operation_id(operation);
  record.value = SharedBytes::copy_of(value);
  return record;
}

inline Record tombstone_record(const Ballot& ballot, std::uint64_t operation,
                               std::optional<Ballot> base = {}) {
  Record record = value_record(ballot, "", operation, base);
  record.kind = RecordKind::tombstone;
  return record;
}

class TestBallots final : public BallotSource {
 public:
  Ballot mint(std::uint64_t round) override {
    return {test_epoch, round, test_self, 1, ++sequence_};
  }
  std::uint64_t epoch() const override { return test_epoch; }

 private:
  std::uint64_t sequence_ = 0;
};

class OperationFixture : public ::testing::Test {
 protected:
  static constexpr std::uint64_t mine = 77;  // the operation under test

  static OperationRequest request(OperationKind kind, ByteView value = "new") {
    OperationRequest r;
    r.kind = kind;
    r.key = KeyName::make("t", "k", 1);
    r.placement.range = 42;
    r.placement.replicas.nodes = {1, 2, 3};
    r.placement.replicas.count = 3;
    r.id = operation_id(mine);
    r.window = {test_epoch, {}, 100};
    r.value = SharedBytes::copy_of(value);
    return r;
  }
  static OperationRequest cas(ByteView expected, ByteView value) {
    OperationRequest r = request(OperationKind::cas, value);
    r.expected.kind = Expectation::Kind::value;
    r.expected.value = SharedBytes::copy_of(expected);
    return r;
  }
  Operation operation(OperationRequest r, std::uint64_t round_seen = 0) {
    return Operation(std::move(r), round_seen, ballots_);
  }

  // Replies.
  static ReplicaReply reply() {
    ReplicaReply r;
    r.epoch = test_epoch;
    r.granted = true;
    return r;
  }
  /// To READ, or (with promise_at) to PREPARE.
  static ReplicaReply holds(const Record& record, const Ballot& range_promise = {}) {
    ReplicaReply r = reply();
    r.record = record;
    r.key_promise = record.ballot;
    r.range_promise = range_promise;
    r.value_included = true;
    return r;
  }
  static ReplicaReply digest_of(const Record& record) {
    ReplicaReply r = holds(record);
    r.record.value = {};
    r.value_included = !record.has_value();
    return r;
  }
  static ReplicaReply absent(const Ballot& purge_floor = {}) {
    ReplicaReply r = reply();
    r.record.ballot = purge_floor;
    r.purge_floor = purge_floor;
    r.range_promise = purge_floor;
    r.value_included = true;
    return r;
  }
  static ReplicaReply refused(const Ballot& promise) {
    ReplicaReply r = reply();
    r.granted = false;
    r.key_promise = promise;
    return r;
  }
  static ReplicaReply accepted() { return reply(); }
  static ReplicaReply failed(ErrorCode error) {
    ReplicaReply r = reply();
    r.error = error;
    r.granted = false;
    return r;
  }

  /// Both of the first two replicas answer the same.
  static Step majority(Operation& op, const ReplicaReply& r) { return both(op, r, r); }
  static Step both(Operation& op, const ReplicaReply& first, const ReplicaReply& second) {
    const Step step = op.on_reply(0, first);
    EXPECT_EQ(step.kind, Step::Kind::wait);
    Step last = op.on_reply(1, second);
    op.check_invariants();
    return last;
  }
  /// All acceptors refuse; the pause is over; the next PREPARE.
  static Step prepare_after_refusal(Operation& op, const Ballot& promise) {
    EXPECT_EQ(majority(op, refused(promise)).kind, Step::Kind::pause);
    Step step = op.on_timeout();
    EXPECT_EQ(step.kind, Step::Kind::prepare);
    return step;
  }

  TestBallots ballots_;
};

}  // namespace grey::cluster
