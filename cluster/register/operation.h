// One operation on one key, from its first message to its answer: the proposer of the per-key Paxos
// register. Pure: it takes replies and time-outs and returns the next step; the coordinator sends.
// The rules it carries (register.md): 4, 6, 7, 8, 10, 11, 12 and 15; each is named where it acts.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "cluster/register/ballot.h"
#include "cluster/register/messages.h"
#include "cluster/register/planted_bug.h"
#include "cluster/register/record.h"

namespace grey::cluster {

enum class OperationKind : std::uint8_t { get, put, remove, cas, resolve };

/// What a CAS expects to find.
struct Expectation {
  enum class Kind : std::uint8_t { absent, value, version };
  Kind kind = Kind::absent;
  SharedBytes value;    // kind value: these bytes
  OperationId version;  // kind version: written by this operation

  bool matches(const Record& record) const noexcept;
};

struct OperationRequest {
  OperationKind kind = OperationKind::get;
  KeyName key;
  Placement placement;
  OperationId id;            // unused by get; resolve: the operation in question
  BallotWindow window;       // unused by get
  SharedBytes value;         // put, cas
  Expectation expected;      // cas
  bool cas_removes = false;  // cas: the new state is "absent" instead of `value`
};

struct OperationResult {
  /// ok; not_found (get); precondition_failed (cas, with the record found); deadline_exceeded,
  /// no_quorum, window_stale (all: not applied); outcome_unknown. Of resolve: ok = applied,
  /// cancelled = never applied and never will be, outcome_unknown.
  ErrorCode error = ErrorCode::ok;
  Record record;                 // get: what was read; put, remove, cas: what was written
  std::uint64_t round_seen = 0;  // the highest round in use, for the client's next window
  Ballot home_ballot;      // the latest of the range's home, if it ran there: a window's `low`
  bool fast_path = false;  // applied in one round under a range promise
};

/// What the coordinator does next for an operation.
struct Step {
  enum class Kind : std::uint8_t { wait, read, prepare, accept, pause, finish };
  Kind kind = Kind::wait;
  bool want_values = false;  // read: from all replicas (else from the one nearest)
  bool hurry = false;        // wait, pause: only a short moment
  std::uint32_t tries = 0;   // pause before a read: read rounds so far
  Ballot ballot;             // prepare
  Record record;             // accept
  OperationResult result;    // finish
};

/// Mints ballots that no other attempt of this process ever had.
class BallotSource {
 public:
  virtual ~BallotSource() = default;
  /// A new ballot in `round` of the current epoch.
  virtual Ballot mint(std::uint64_t round) = 0;
  virtual std::uint64_t epoch() const = 0;
};

class Operation {
 public:
  Operation(OperationRequest request, std::uint64_t round_seen, BallotSource& ballots,
            PlantedBugs bugs = {});

  /// Tells of a round in use, so that the first PREPARE goes above it; before the start.
  void note_round(std::uint64_t round) noexcept { round_seen_ = std::max(round_seen_, round); }
  /// Starts a GET by asking for agreement.
  Step begin_read();
  /// Starts by preparing a ballot of its own: any coordinator, any key (also for resolve).
  Step begin_prepare();
  /// Starts a put or remove with one ACCEPT under the range promise `home` (rule 8), or a cas on
  /// `cached`, the home's last chosen write of this promise (rule 9).
  Step begin_home_accept(const Ballot& home, const Record* cached);
  /// Starts a cas by reading under the range promise `home` (rule 10).
  Step begin_home_read(const Ballot& home);

  /// A replica answered the current step's message.
  Step on_reply(std::size_t replica, const ReplicaReply& reply);
  /// No answer to the current step will come from this replica.
  Step on_no_reply(std::size_t replica);
  /// The current step has waited long enough, or the pause is over.
  Step on_timeout();
  /// The deadline has passed: the honest answer as things stand.
  OperationResult expire() const;

  const OperationRequest& request() const noexcept { return request_; }
  /// True once an ACCEPT that carries this operation's id was sent.
  bool attempted() const noexcept { return first_.has_value(); }
  /// True if this operation prepared the key above its home's interval.
  bool prepared() const noexcept { return prepared_; }
  std::uint64_t round_seen() const noexcept { return round_seen_; }
  /// True if `replica` has answered the current step, or will not.
  bool settled(std::size_t replica) const noexcept { return votes_[replica] != Vote::none; }
  void check_invariants() const;

 private:
  enum class Phase : std::uint8_t { idle, reading, home_reading, preparing, accepting, pausing };
  enum class Vote : std::uint8_t { none, granted, refused, lost };
  /// What it means when the record being accepted is chosen.
  enum class Purpose : std::uint8_t { proposal, own, read_identity, failure, resolve_identity };

  Step enter(Phase phase, Step::Kind kind);
  Step read(bool want_values);
  Step prepare();
  Step accept(Record record, Purpose purpose);
  Step pause();
  Step pause_before_read();
  Step finish(ErrorCode error, Record record = {});
  Step advance();  // after a vote: what the votes so far allow

  Step advance_reading();
  Step advance_home_reading();
  Step advance_preparing();
  Step advance_accepting();
  Step decide(const Record& newest, bool agreed);
  Step decide_write(const Record& newest, bool agreed);
  Step propose_on(const Record& current, Purpose on_mismatch, bool mismatch_is_settled);
  Step resolve_answer();

  std::size_t count(Vote vote) const noexcept;
  bool all_settled() const noexcept;
  /// The record that a majority of `granted` replies report at one ballot, if any (rule 6).
  const Record* agreed_record() const;
  const Record& newest_record() const;
  /// A granted reply's record at `wanted`'s ballot that includes its value, if any.
  const Record* with_value(const Record& wanted) const;
  Step hurry() const;
  Ballot effective_ballot(const Record& record) const;
  void note_rounds(const ReplicaReply& reply);
  Record proposal_on(const Record& current, const Ballot& at) const;

  OperationRequest request_;
  BallotSource* ballots_;
  [[no_unique_address]] PlantedBugs bugs_;

  Phase phase_ = Phase::idle;
  Purpose purpose_ = Purpose::proposal;
  Ballot ballot_;                // of the current prepare or accept
  Ballot home_;                  // the range promise in use on the fast path
  Record record_;                // being accepted
  Ballot source_;                // resolve: the ballot of the record that record_ copies
  std::optional<Ballot> first_;  // rule 12: the earliest attempt
  Ballot last_;                  // the latest attempt; only a planted bug looks at it
  std::uint64_t round_seen_;
  Ballot floor_;  // the largest purge floor seen in this step (rule 6)
  std::uint32_t reads_ = 0;
  bool asked_ = false;        // some message was sent
  bool quorum_seen_ = false;  // a majority answered some step
  bool next_read_ = false;    // after the pause: read again rather than prepare
  bool fast_ = false;
  bool prepared_ = false;
  std::array<Vote, ReplicaSet::capacity> votes_{};
  std::array<ReplicaReply, ReplicaSet::capacity> replies_{};
};

}  // namespace grey::cluster
