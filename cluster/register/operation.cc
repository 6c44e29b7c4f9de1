#include "cluster/register/operation.h"

#include "base/check.h"

namespace grey::cluster {

bool Expectation::matches(const Record& record) const noexcept {
  switch (kind) {
    case Kind::absent:
      return !record.has_value();
    case Kind::value:
      return record.has_value() && record.value.view() == value.view();
    case Kind::version:
      return record.has_value() && record.operation == version;
  }
  return false;
}

Operation::Operation(OperationRequest request, std::uint64_t round_seen, BallotSource& ballots,
                     PlantedBugs bugs)
    : request_(std::move(request)), ballots_(&ballots), bugs_(bugs), round_seen_(round_seen) {
  GREY_CHECK(request_.placement.replicas.count > 0);
}

// ---- steps ------------------------------------------------------------------------------------

Step Operation::enter(Phase phase, Step::Kind kind) {
  phase_ = phase;
  asked_ = true;
  votes_.fill(Vote::none);
  floor_ = {};
  Step step;
  step.kind = kind;
  return step;
}

Step Operation::begin_read() {
  GREY_CHECK(request_.kind == OperationKind::get);
  return read(false);
}

Step Operation::begin_prepare() { return prepare(); }

Step Operation::begin_home_accept(const Ballot& home, const Record* cached) {
  home_ = home;
  note_round(home.round);  // rule 12: whatever is prepared later goes above this attempt
  fast_ = true;
  const Ballot b = ballots_->mint(home.round);
  GREY_CHECK(b.same_interval(home));
  Record record;
  if (request_.kind == OperationKind::cas) {
    // Rule 9: only the home's own last chosen write of this promise may be built on unseen.
    GREY_CHECK(cached != nullptr && request_.expected.matches(*cached));
    record = proposal_on(*cached, b);
  } else {
    record = proposal_on({}, b);
    record.base.reset();  // Rule 8: a blind write's base is unknown.
  }
  return accept(std::move(record), Purpose::proposal);
}

Step Operation::begin_home_read(const Ballot& home) {
  GREY_CHECK(request_.kind == OperationKind::cas);
  home_ = home;
  note_round(home.round);
  fast_ = true;
  Step step = enter(Phase::home_reading, Step::Kind::read);
  step.want_values = true;
  return step;
}

Step Operation::read(bool want_values) {
  ++reads_;
  Step step = enter(Phase::reading, Step::Kind::read);
  step.want_values = want_values;
  return step;
}

Step Operation::prepare() {
  fast_ = false;
  const BallotWindow& window = request_.window;
  std::uint64_t round = round_seen_ + 1;
  if (request_.kind == OperationKind::resolve) {
    round = std::max(round, window.round_high + 1);  // rule 15: above all of its attempts
  } else if (request_.kind != OperationKind::get) {
    round = std::max(round, window.low.round + 1);
    if (round > window.round_high) {
      return finish(attempted() ? ErrorCode::outcome_unknown : ErrorCode::window_stale);
    }
  }
  ballot_ = ballots_->mint(round);
  round_seen_ = std::max(round_seen_, round);
  prepared_ = true;
  Step step = enter(Phase::preparing, Step::Kind::prepare);
  step.ballot = ballot_;
  return step;
}

Step Operation::accept(Record record, Purpose purpose) {
  purpose_ = purpose;
  ballot_ = record.ballot;
  record_ = std::move(record);
  if (purpose == Purpose::proposal || purpose == Purpose::own) {
    if (!first_) first_ = ballot_;
    last_ = ballot_;
  }
  Step step = enter(Phase::accepting, Step::Kind::accept);
  step.record = record_;
  return step;
}

Step Operation::pause() { return enter(Phase::pausing, Step::Kind::pause); }

Step Operation::pause_before_read() {
  next_read_ = true;
  Step step = pause();
  step.hurry = true;
  step.tries = reads_;
  return step;
}

Step Operation::finish(ErrorCode error, Record record) {
  phase_ = Phase::idle;
  Step step;
  step.kind = Step::Kind::finish;
  step.result.error = error;
  step.result.record = std::move(record);
  step.result.round_seen = round_seen_;
  step.result.fast_path = fast_ && error == ErrorCode::ok;
  return step;
}

// ---- votes ------------------------------------------------------------------------------------

Step Operation::on_reply(std::size_t replica, const ReplicaReply& reply) {
  if (phase_ == Phase::idle || phase_ == Phase::pausing || settled(replica)) return {};
  if (reply.error != ErrorCode::ok || reply.epoch != ballots_->epoch()) {
    return on_no_reply(replica);
  }
  note_rounds(reply);
  votes_[replica] = reply.granted ? Vote::granted : Vote::refused;
  // A refusal that names our own ballot answers a duplicate of a message that was granted.
  if (!reply.granted && phase_ == Phase::preparing && reply.key_promise == ballot_) {
    votes_[replica] = Vote::none;
    return {};
  }
  // Rule 10: only replicas that have promised the home's ballot count, read after their promise.
  if (phase_ == Phase::home_reading && reply.range_promise != home_) {
    votes_[replica] = Vote::refused;
  }
  replies_[replica] = reply;
  floor_ = std::max(floor_, reply.purge_floor);
  return advance();
}

Step Operation::on_no_reply(std::size_t replica) {
  if (phase_ == Phase::idle || phase_ == Phase::pausing || settled(replica)) return {};
  votes_[replica] = Vote::lost;
  return advance();
}

Step Operation::on_timeout() {
  switch (phase_) {
    case Phase::idle:
      return {};
    case Phase::pausing: {
      const bool again = next_read_;
      next_read_ = false;
      return again ? read(true) : prepare();
    }
    case Phase::reading:
      // Rule 18: ask once more before preparing, which would take the key from its home.
      return reads_ < 2 ? read(true) : prepare();
    case Phase::home_reading:
    case Phase::preparing:
    case Phase::accepting:
      return prepare();
  }
  return {};
}

OperationResult Operation::expire() const {
  OperationResult result;
  result.round_seen = round_seen_;
  if (attempted() || request_.kind == OperationKind::resolve) {
    result.error = ErrorCode::outcome_unknown;
  } else {
    const bool in_vain = asked_ && !quorum_seen_;
    result.error = in_vain ? ErrorCode::no_quorum : ErrorCode::deadline_exceeded;
  }
  return result;
}

Step Operation::advance() {
  if (count(Vote::granted) + count(Vote::refused) >= request_.placement.replicas.majority()) {
    quorum_seen_ = true;
  }
  switch (phase_) {
    case Phase::reading:
      return advance_reading();
    case Phase::home_reading:
      return advance_home_reading();
    case Phase::preparing:
      return advance_preparing();
    case Phase::accepting:
      return advance_accepting();
    case Phase::idle:
    case Phase::pausing:
      break;
  }
  return {};
}

// Rule 6: a majority must report the same ballot; a third, higher reply does not matter.
Step Operation::advance_reading() {
  const std::size_t majority = request_.placement.replicas.majority();
  if (const Record* agreed = agreed_record()) {
    if (const Record* whole = with_value(*agreed)) {
      return finish(whole->has_value() ? ErrorCode::ok : ErrorCode::not_found, *whole);
    }
    if (!all_settled()) return hurry();
    if (reads_ < 2) return read(true);  // the ballot is agreed, its bytes were not asked for
    return pause_before_read();
  }
  const bool enough = count(Vote::granted) >= majority;
  if (enough && bugs_.has(PlantedBug::read_without_identity_round)) {
    if (const Record* whole = with_value(newest_record())) {
      return finish(whole->has_value() ? ErrorCode::ok : ErrorCode::not_found, *whole);
    }
  }
  if (!all_settled()) return enough ? hurry() : Step{};
  // Rule 18: ask once more before preparing, which would take the key from its home.
  if (!enough || reads_ < 2) return pause_before_read();
  return prepare();
}

const Record* Operation::with_value(const Record& wanted) const {
  for (std::size_t i = 0; i < request_.placement.replicas.count; ++i) {
    if (votes_[i] == Vote::granted && replies_[i].value_included &&
        replies_[i].record.ballot == wanted.ballot) {
      return &replies_[i].record;
    }
  }
  return nullptr;
}

Step Operation::hurry() const {
  Step step;
  step.hurry = true;
  return step;
}

// Rule 10.
Step Operation::advance_home_reading() {
  const ReplicaSet& replicas = request_.placement.replicas;
  if (count(Vote::granted) >= replicas.majority()) {
    const Record newest = newest_record();
    const bool in_reach = newest.ballot < home_ || newest.ballot.same_interval(home_);
    if (!in_reach) return prepare();
    if (request_.expected.matches(newest)) {
      return accept(proposal_on(newest, ballots_->mint(home_.round)), Purpose::proposal);
    }
    // Rule 11: a failure needs agreement, and that no attempt was ever sent.
    if (agreed_record() != nullptr && !attempted()) {
      return finish(ErrorCode::precondition_failed, newest);
    }
    return prepare();
  }
  if (all_settled()) return prepare();
  return {};
}

Step Operation::advance_preparing() {
  const ReplicaSet& replicas = request_.placement.replicas;
  if (count(Vote::granted) >= replicas.majority()) {
    const Record newest = newest_record();
    return decide(newest, agreed_record() != nullptr);
  }
  if (replicas.count - count(Vote::refused) - count(Vote::lost) < replicas.majority()) {
    return pause();
  }
  return {};
}

// Rule 4: chosen is one ballot accepted by a majority.
Step Operation::advance_accepting() {
  const ReplicaSet& replicas = request_.placement.replicas;
  if (count(Vote::granted) >= replicas.majority()) {
    switch (purpose_) {
      case Purpose::proposal:
      case Purpose::own:
        return finish(ErrorCode::ok, record_);
      case Purpose::read_identity:
        return finish(record_.has_value() ? ErrorCode::ok : ErrorCode::not_found, record_);
      case Purpose::failure:
        return finish(ErrorCode::precondition_failed, record_);
      case Purpose::resolve_identity:
        return resolve_answer();
    }
  }
  if (replicas.count - count(Vote::refused) - count(Vote::lost) < replicas.majority()) {
    return pause();  // in doubt
  }
  return {};
}

// ---- decisions --------------------------------------------------------------------------------

Step Operation::decide(const Record& newest, bool agreed) {
  switch (request_.kind) {
    case OperationKind::get:
      if (agreed) {
        return finish(newest.has_value() ? ErrorCode::ok : ErrorCode::not_found, newest);
      }
      return accept(newest.identity_at(ballot_), Purpose::read_identity);
    case OperationKind::resolve:
      // Rule 15: always choose it here. Agreement below the window would not do: an attempt may
      // sit on the replica that did not answer, and a later reader would finish it.
      source_ = newest.ballot;
      return accept(newest.identity_at(ballot_), Purpose::resolve_identity);
    case OperationKind::put:
    case OperationKind::remove:
    case OperationKind::cas:
      return decide_write(newest, agreed);
  }
  return {};
}

// Rule 12, in the order of its cases.
Step Operation::decide_write(const Record& newest, bool agreed) {
  if (newest.kind != RecordKind::absent && newest.operation == request_.id) {
    return accept(newest.identity_at(ballot_), Purpose::own);
  }
  if (!first_) {
    // Rule 11: nothing was sent yet, so an agreed mismatch is already the answer.
    return propose_on(newest, Purpose::failure, agreed);
  }
  const Ballot first = bugs_.has(PlantedBug::in_doubt_by_last_attempt) ? last_ : *first_;
  const bool older = newest.ballot < first;
  const bool derived_from_older = newest.base && *newest.base < first;
  if (older || derived_from_older) {
    // No attempt of mine is below `newest`, and none can be chosen any more: b was promised.
    // `first_` stays; a failure needs the identity chosen at b, even if `newest` is agreed.
    return propose_on(newest, Purpose::failure, false);
  }
  return finish(ErrorCode::outcome_unknown);
}

Step Operation::propose_on(const Record& current, Purpose on_mismatch, bool mismatch_is_settled) {
  if (request_.kind != OperationKind::cas || request_.expected.matches(current)) {
    return accept(proposal_on(current, ballot_), Purpose::proposal);
  }
  if (mismatch_is_settled) return finish(ErrorCode::precondition_failed, current);
  return accept(current.identity_at(ballot_), on_mismatch);
}

// Rule 15. The record is chosen at our ballot by now; what counts is the one it was copied from.
Step Operation::resolve_answer() {
  if (record_.operation == request_.id) return finish(ErrorCode::ok, record_);
  const bool older = request_.window.above(source_);
  const bool derived_from_older = record_.base && request_.window.above(*record_.base);
  if (older || derived_from_older) return finish(ErrorCode::cancelled, record_);
  return finish(ErrorCode::outcome_unknown, record_);
}

Record Operation::proposal_on(const Record& current, const Ballot& at) const {
  Record record;
  record.ballot = at;
  record.base = current.ballot;
  record.operation = request_.id;
  const bool removes = request_.kind == OperationKind::remove ||
                       (request_.kind == OperationKind::cas && request_.cas_removes);
  record.kind = removes ? RecordKind::tombstone : RecordKind::value;
  if (!removes) record.value = request_.value;
  return record;
}

// ---- counting ---------------------------------------------------------------------------------

std::size_t Operation::count(Vote vote) const noexcept {
  const auto end = votes_.begin() + request_.placement.replicas.count;
  return static_cast<std::size_t>(std::count(votes_.begin(), end, vote));
}

bool Operation::all_settled() const noexcept { return count(Vote::none) == 0; }

// Rule 6: a tombstone at or below the largest purge floor seen may have been dropped elsewhere.
Ballot Operation::effective_ballot(const Record& record) const {
  if (!record.has_value() && record.ballot <= floor_) return floor_;
  return record.ballot;
}

const Record* Operation::agreed_record() const {
  const ReplicaSet& replicas = request_.placement.replicas;
  for (std::size_t i = 0; i < replicas.count; ++i) {
    if (votes_[i] != Vote::granted) continue;
    const Ballot ballot = effective_ballot(replies_[i].record);
    std::size_t same = 0;
    bool is_newest = true;
    for (std::size_t j = 0; j < replicas.count; ++j) {
      if (votes_[j] != Vote::granted) continue;
      const Ballot other = effective_ballot(replies_[j].record);
      same += other == ballot ? 1 : 0;
      is_newest = is_newest && other <= ballot;
    }
    // After a PREPARE it is the largest that must be agreed: only then is nothing above it.
    if (same >= replicas.majority() && (is_newest || phase_ == Phase::reading)) {
      return &replies_[i].record;
    }
  }
  return nullptr;
}

const Record& Operation::newest_record() const {
  const Record* newest = nullptr;
  for (std::size_t i = 0; i < request_.placement.replicas.count; ++i) {
    if (votes_[i] != Vote::granted) continue;
    const Record& record = replies_[i].record;
    if (newest == nullptr || effective_ballot(record) > effective_ballot(*newest)) newest = &record;
  }
  GREY_CHECK(newest != nullptr);
  return *newest;
}

void Operation::note_rounds(const ReplicaReply& reply) {
  round_seen_ = std::max(
      {round_seen_, reply.range_promise.round, reply.key_promise.round, reply.record.ballot.round});
}

void Operation::check_invariants() const {
  const bool write = request_.kind == OperationKind::put ||
                     request_.kind == OperationKind::remove || request_.kind == OperationKind::cas;
  GREY_CHECK(write || !first_);
  if (first_) {
    GREY_CHECK(*first_ <= last_);
    GREY_CHECK(request_.window.contains(*first_) && request_.window.contains(last_));
  }
  if (phase_ == Phase::accepting) GREY_CHECK(record_.ballot == ballot_);
}

}  // namespace grey::cluster
