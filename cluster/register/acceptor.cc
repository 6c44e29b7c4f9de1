#include "cluster/register/acceptor.h"

#include "base/check.h"

namespace grey::cluster {

ReplicaReply Acceptor::reply_of(const RangeState& range, const KeyState& key, bool granted) const {
  ReplicaReply reply;
  reply.epoch = epoch_;
  reply.granted = granted;
  reply.range_promise = range.promised;
  reply.key_promise = key.promised;
  reply.purge_floor = range.purge_floor;
  return reply;
}

static void include_record(ReplicaReply& reply, const RangeState& range, const KeyState& key,
                           bool want_value) {
  reply.record = key.accepted;
  // Rule 6: absence is (G, bottom).
  if (key.accepted.kind == RecordKind::absent) reply.record.ballot = range.purge_floor;
  reply.value_included = want_value || !key.accepted.has_value();
  if (!reply.value_included) reply.record.value = {};
}

static AcceptorOutcome refuse(std::uint64_t epoch, ErrorCode error) {
  AcceptorOutcome out;
  out.reply.error = error;
  out.reply.epoch = epoch;
  return out;
}

static AcceptorOutcome refuse_epoch(std::uint64_t epoch) {
  return refuse(epoch, ErrorCode::wrong_epoch);
}

// A record that no proposer makes would be unreadable once stored: refuse it while it is a message.
static bool is_possible(const Record& record) {
  if (record.kind == RecordKind::absent) return false;
  if (!record.has_value() && !record.value.empty()) return false;
  return !record.base || *record.base < record.ballot;
}

AcceptorOutcome Acceptor::on_key_request(const ReplicaRequest& request, const RangeState& range,
                                         KeyState& key) const {
  if (request.epoch != epoch_) return refuse_epoch(epoch_);
  if (const auto* read = std::get_if<ReadRequest>(&request.body)) return on_read(*read, range, key);
  if (const auto* p = std::get_if<PrepareRequest>(&request.body)) return on_prepare(*p, range, key);
  const auto* accept = std::get_if<AcceptRequest>(&request.body);
  GREY_CHECK(accept != nullptr);
  return on_accept(*accept, range, key);
}

AcceptorOutcome Acceptor::on_range_request(const ReplicaRequest& request, RangeState& range) const {
  const auto* prepare = std::get_if<PrepareRangeRequest>(&request.body);
  GREY_CHECK(prepare != nullptr);
  if (request.epoch != epoch_ || prepare->ballot.epoch != epoch_) return refuse_epoch(epoch_);
  AcceptorOutcome out;
  out.reply.epoch = epoch_;
  // A repeated PREPARE of the promise in force is answered again: the first reply may be lost.
  out.reply.granted = prepare->ballot >= range.promised;
  if (prepare->ballot > range.promised) {
    range.promised = prepare->ballot;
    out.change = AcceptorChange::range;
  }
  out.reply.range_promise = range.promised;
  out.reply.purge_floor = range.purge_floor;
  return out;
}

AcceptorOutcome Acceptor::on_read(const ReadRequest& read, const RangeState& range,
                                  const KeyState& key) const {
  AcceptorOutcome out{reply_of(range, key, true), AcceptorChange::none};
  include_record(out.reply, range, key, read.want_value);
  return out;
}

// Rule 2.
AcceptorOutcome Acceptor::on_prepare(const PrepareRequest& prepare, const RangeState& range,
                                     KeyState& key) const {
  const Ballot& b = prepare.ballot;
  if (b.epoch != epoch_) return refuse_epoch(epoch_);
  if (b <= range.promised || b <= key.promised || b <= key.accepted.ballot) {
    return {reply_of(range, key, false), AcceptorChange::none};
  }
  key.promised = b;
  AcceptorOutcome out{reply_of(range, key, true), AcceptorChange::key_promise};
  include_record(out.reply, range, key, true);
  if (bugs_.has(PlantedBug::promise_not_persisted)) out.change = AcceptorChange::none;
  return out;
}

// Rule 3.
AcceptorOutcome Acceptor::on_accept(const AcceptRequest& accept, const RangeState& range,
                                    KeyState& key) const {
  const Ballot& b = accept.record.ballot;
  if (b.epoch != epoch_) return refuse_epoch(epoch_);
  if (!is_possible(accept.record)) return refuse(epoch_, ErrorCode::bad_request);
  if (key.accepted.ballot == b && key.accepted.kind != RecordKind::absent) {
    return {reply_of(range, key, true), AcceptorChange::none};
  }
  const bool promised_away = b < range.promised || b < key.promised;
  if (b <= key.accepted.ballot ||
      (promised_away && !bugs_.has(PlantedBug::accept_ignores_promise))) {
    return {reply_of(range, key, false), AcceptorChange::none};
  }
  if (b > key.promised) key.promised = b;
  key.accepted = accept.record;
  return {reply_of(range, key, true), AcceptorChange::key_record};
}

void Acceptor::check_invariants(const RangeState& range, const KeyState& key) {
  const Record& r = key.accepted;
  GREY_CHECK(key.promised >= r.ballot);
  GREY_CHECK(r.has_value() || r.value.empty());
  GREY_CHECK(r.kind != RecordKind::absent || !r.ballot);
  GREY_CHECK(!r.base || *r.base < r.ballot);
  GREY_CHECK(range.purge_floor <= range.promised);
}

}  // namespace grey::cluster
