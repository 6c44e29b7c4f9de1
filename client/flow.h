// One operation from its start to its honest outcome: which node to ask next, with what, until
// when, and what the answers mean. Pure: it takes replies and times and returns the next action;
// the client carries it out.
//
// What it promises (register.md, rule 15):
// - A submission whose fate is not known is never repeated. It is RESOLVEd, at whatever node
//   answers: applied ends the operation well, never lets it be submitted again under a new id,
//   unknown, said three times (a node also says so when it ran out of time), is the outcome.
// - Every submission has an operation id of its own.
// - It ends by its deadline: without a submission in doubt as not applied, else as outcome_unknown.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "client/reply_meaning.h"
#include "protocol/data_messages.h"

namespace grey::client {

/// What a flow asks of the client around it.
class Guide {
 public:
  virtual ~Guide() = default;
  /// The nodes worth asking for the key now, best first; none while nothing is known or up.
  virtual void candidates(ByteView key, MonotonicTime now, std::vector<NodeId>& out) = 0;
  virtual protocol::WireWindow window(ByteView key) = 0;
  /// Never the same twice.
  virtual OperationId next_operation() = 0;
  /// Room for an answer with the largest value that the cluster allows.
  virtual std::uint32_t reply_bytes_full() = 0;
  /// Why no node is up, as far as is known.
  virtual Error why_unreachable() = 0;
  virtual Random& random() = 0;
};

struct FlowOptions {
  Duration read_attempt = std::chrono::seconds(1);
  Duration resolve_attempt = std::chrono::seconds(1);
  /// Longer than the others: a node that is frozen or gone is noticed by its channel, and one that
  /// is merely slow is better waited for than doubted.
  Duration submit_attempt = std::chrono::seconds(3);
  /// How long an operation waits for the first node to be up.
  Duration connect_wait = std::chrono::seconds(10);
  /// Kept back from a submission's time, to find out what became of it.
  Duration resolve_reserve = std::chrono::seconds(1);
  Duration pause_first = std::chrono::milliseconds(10);  // after all nodes were tried; doubles
  Duration pause_max = std::chrono::milliseconds(500);
  std::uint32_t reply_bytes_first = 256u << 10;  // of a get, before a larger one is known to come
};

struct Submission {
  OperationId operation;
  protocol::WireWindow window;
  friend bool operator==(const Submission&, const Submission&) = default;
};

struct FlowResult {
  ErrorCode code = ErrorCode::ok;
  std::string detail;
  Submission submission;  // the last one; the one in doubt if the outcome is unknown
  OperationId version;    // as the node told, or the submission's if it was applied
  protocol::ResolveReply::Outcome resolution = protocol::ResolveReply::Outcome::unknown;
  std::uint32_t attempts = 0;  // that were sent to some node
};

struct Action {
  enum class Kind : std::uint8_t {
    send,   // `attempt` to `node`, with `at` as its deadline; then on_reply()
    wait,   // until `at`, or (if on_node_up) until a node comes up; then on_wake()
    finish  // result() is the outcome
  };
  Kind kind = Kind::wait;
  NodeId node = 0;
  AttemptKind attempt = AttemptKind::read;
  Submission submission;              // submit: to be sent; resolve: in question
  std::uint32_t reply_bytes_max = 0;  // read
  MonotonicTime at{};
  bool on_node_up = false;
  bool refresh = false;  // the topology is to be asked for again
};

struct FlowReply {
  AttemptEnd end;
  std::uint32_t retry_after_ms = 0;
  OperationId version{};
  protocol::ResolveReply::Outcome resolution = protocol::ResolveReply::Outcome::unknown;
  std::string_view detail{};
};

class Flow {
 public:
  /// `guide` outlives the flow. With type resolve, `question` is what it asks about.
  Flow(OperationType type, Bytes key, const FlowOptions& options, Guide& guide,
       const Submission& question = {});

  Action start(MonotonicTime now, MonotonicTime deadline);
  /// The attempt has ended. Hints are taken in by the guide's owner before this.
  Action on_reply(const FlowReply& reply, MonotonicTime now);
  Action on_wake(MonotonicTime now);
  /// The caller gives up. If an attempt is out, its end is awaited (the client cancels the call),
  /// because it says whether anything left, and nothing is to be done now; else this finishes.
  Action cancel(MonotonicTime now);

  OperationType type() const noexcept { return type_; }
  ByteView key() const noexcept { return key_; }
  /// An attempt is out.
  bool is_asking() const noexcept { return phase_ == Phase::sent; }
  MonotonicTime deadline() const noexcept { return deadline_; }
  const FlowResult& result() const noexcept { return result_; }

 private:
  enum class Phase : std::uint8_t { idle, waiting, sent, over };

  Action next(MonotonicTime now);
  Action send(NodeId node, MonotonicTime now);
  Action pause(MonotonicTime now, Duration at_least);
  Action wait_for_nodes(MonotonicTime now);
  Action on_success(const FlowReply& reply, MonotonicTime now);
  Action expire();
  Action finish(ErrorCode code, std::string detail = {});
  bool is_tried(NodeId node) const noexcept;

  OperationType type_;
  Bytes key_;
  FlowOptions options_;
  Guide& guide_;
  MonotonicTime deadline_{};
  MonotonicTime give_up_connecting_{};

  Phase phase_ = Phase::idle;
  AttemptKind attempt_ = AttemptKind::read;
  NodeId node_ = 0;
  std::optional<Submission> doubt_;  // sent, and nobody knows what became of it
  bool cancelled_ = false;
  bool refresh_ = false;
  std::uint32_t reply_bytes_max_ = 0;
  std::uint32_t rewindows_ = 0;
  std::uint32_t unknowns_ = 0;
  std::uint32_t passes_ = 0;
  std::vector<NodeId> tried_;  // in this pass
  std::vector<NodeId> candidates_;
  Error last_error_;  // of the last attempt, for the outcome at the deadline
  FlowResult result_;
};

}  // namespace grey::client
