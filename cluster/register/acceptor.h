// The acceptor: what one replica answers, and what it must first make durable. Pure functions of
// the stored state and the request; the caller stores the changed state and sends the reply only
// once the change is on stable storage (register.md, rules 2, 3, 5, 6).
#pragma once
#include "cluster/register/messages.h"
#include "cluster/register/planted_bug.h"
#include "cluster/register/record.h"

namespace grey::cluster {

/// What a request changed and so what has to be durable before its reply leaves.
enum class AcceptorChange { none, key_promise, key_record, range };

struct AcceptorOutcome {
  ReplicaReply reply;
  AcceptorChange change = AcceptorChange::none;
};

class Acceptor {
 public:
  explicit Acceptor(std::uint64_t epoch, PlantedBugs bugs = {}) : epoch_(epoch), bugs_(bugs) {}

  /// Applies a request on one key to `key`, under `range`. The request must not be a range request.
  AcceptorOutcome on_key_request(const ReplicaRequest& request, const RangeState& range,
                                 KeyState& key) const;
  /// Applies a PREPARE of the whole range to `range`.
  AcceptorOutcome on_range_request(const ReplicaRequest& request, RangeState& range) const;

  /// What must hold of a key's state after every step; aborts if it does not.
  static void check_invariants(const RangeState& range, const KeyState& key);

 private:
  AcceptorOutcome on_read(const ReadRequest& read, const RangeState& range,
                          const KeyState& key) const;
  AcceptorOutcome on_prepare(const PrepareRequest& prepare, const RangeState& range,
                             KeyState& key) const;
  AcceptorOutcome on_accept(const AcceptRequest& accept, const RangeState& range,
                            KeyState& key) const;
  ReplicaReply reply_of(const RangeState& range, const KeyState& key, bool granted) const;

  std::uint64_t epoch_;
  [[no_unique_address]] PlantedBugs bugs_;
};

}  // namespace grey::cluster
