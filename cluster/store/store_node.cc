#include "cluster/store/store_node.h"

#include <utility>

#include "base/check.h"

namespace grey::cluster {

namespace {

/// The ballot that a request of another coordinator brings to a key; null if it brings none.
const Ballot* key_ballot_of(const ReplicaRequest& request) {
  if (const auto* prepare = std::get_if<PrepareRequest>(&request.body)) return &prepare->ballot;
  if (const auto* accept = std::get_if<AcceptRequest>(&request.body)) return &accept->record.ballot;
  return nullptr;
}

}  // namespace

StoreNode::StoreNode(const StoreNodeOptions& options, const Ring& ring,
                     transport::Executor& executor, storage::Engine& engine, PeerSender& peers,
                     Random random, Replica::FatalCallback on_fatal)
    : ring_(ring),
      executor_(executor),
      peers_(peers),
      self_(options.coordinator.self),
      replica_(options.replica, executor, engine, std::move(on_fatal)),
      coordinator_(options.coordinator, random, *this) {}

StoreNode::~StoreNode() {
  if (timer_ != 0) executor_.cancel(timer_);
}

void StoreNode::open(std::move_only_function<void(Status)> done) {
  replica_.open([this, done = std::move(done)](Status status) mutable {
    if (status) {
      for (const auto& [token, state] : replica_.ranges()) {
        coordinator_.note_range_round(token, state.promised.round);
      }
    }
    done(std::move(status));
  });
}

Placement StoreNode::placement_of(const KeyName& key) const {
  const RangeId range = ring_.range_of(key.token);
  Placement placement;
  placement.range = ring_.end_of(range);
  for (const NodeId node : ring_.replicas_of(range)) {
    placement.replicas.nodes[placement.replicas.count++] = node;
  }
  return placement;
}

void StoreNode::submit(OperationRequest request, MonotonicTime deadline, ResultCallback done) {
  request.placement = placement_of(request.key);
  const OperationHandle handle = next_handle_++;
  callbacks_.emplace(handle, std::move(done));
  coordinator_.start(handle, std::move(request), deadline, executor_.now());
  arm();
}

void StoreNode::finish(OperationHandle handle, OperationResult result) {
  auto found = callbacks_.extract(handle);
  GREY_CHECK(!found.empty());
  // The coordinator may not be entered again from here, and the callback may want to: defer it.
  executor_.post([callback = std::move(found.mapped()), result = std::move(result)]() mutable {
    callback(std::move(result));
  });
}

void StoreNode::on_peer_request(const ReplicaRequest& request, Replica::ReplyCallback reply) {
  // A peer with the same topology never asks for what is not here; state is kept for no other.
  const auto range = ring_.range_ending_at(request.range);
  const bool of_range =
      std::holds_alternative<PrepareRangeRequest>(request.body) ||
      (range && !request.key.packed.empty() && ring_.range_of(request.key.token) == *range);
  if (!range || !of_range || !ring_.is_replica(*range, self_)) {
    ReplicaReply refusal;
    refusal.error = ErrorCode::not_replica;
    refusal.epoch = ring_.topology().epoch;
    return reply(std::move(refusal));
  }
  if (const Ballot* ballot = key_ballot_of(request)) {
    coordinator_.note_foreign_ballot(request.range, request.key.packed, *ballot);
  }
  if (!std::holds_alternative<PrepareRangeRequest>(request.body)) {
    return replica_.handle(request, std::move(reply));
  }
  replica_.handle(request, [this, alive = std::weak_ptr(alive_), token = request.range,
                            reply = std::move(reply)](ReplicaReply answer) mutable {
    if (!alive.expired()) {
      coordinator_.note_range_promise(token, answer.range_promise, executor_.now());
    }
    reply(std::move(answer));
  });
}

void StoreNode::on_peer_reply(NodeId from, const RequestId& id, const ReplicaReply& reply) {
  coordinator_.on_reply(from, id, reply, executor_.now());
  arm();
}

void StoreNode::on_peer_silence(NodeId from, const RequestId& id) {
  coordinator_.on_no_reply(from, id, executor_.now());
  arm();
}

void StoreNode::send(NodeId to, const RequestId& id, const ReplicaRequest& request) {
  if (to != self_) return peers_.send(to, id, request);
  // The coordinator is in the middle of a step: its own replica answers once that is over.
  local_.push_back({id, request});
  if (!std::exchange(local_posted_, true)) {
    executor_.post([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) run_local();
    });
  }
}

void StoreNode::run_local() {
  local_posted_ = false;
  for (LocalRequest& next : std::exchange(local_, {})) {
    replica_.handle(next.request,
                    [this, alive = std::weak_ptr(alive_), id = next.id](ReplicaReply reply) {
                      if (!alive.expired()) on_peer_reply(self_, id, reply);
                    });
  }
}

bool StoreNode::reachable(NodeId node) const { return node == self_ || peers_.reachable(node); }

void StoreNode::arm() {
  const MonotonicTime at = coordinator_.next_deadline();
  if (at >= timer_at_) return;  // the timer set fires earlier and arms again
  if (timer_ != 0) executor_.cancel(timer_);
  timer_at_ = at;
  timer_ = executor_.schedule_at(at, [this] {
    timer_ = 0;
    timer_at_ = never;
    coordinator_.tick(executor_.now());
    arm();
  });
}

void StoreNode::check_invariants() const {
  replica_.check_invariants();
  coordinator_.check_invariants();
}

}  // namespace grey::cluster
