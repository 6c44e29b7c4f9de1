// A cluster for tests that write their schedule by hand: three acceptors of one key, any number of
// coordinators, and every message ever sent. Nothing moves until the test delivers it; a message is
// delivered late, twice or never as the test likes. Time moves when the test says so.
#pragma once
#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "cluster/register/acceptor.h"
#include "cluster/register/coordinator.h"

namespace grey::cluster {

class ScriptedCluster {
 public:
  static constexpr RangeToken range_token = 42;
  static constexpr std::array<NodeId, 3> replica_ids{1, 2, 3};

  struct Message {
    NodeId coordinator = 0;
    NodeId replica = 0;
    RequestId id;
    ReplicaRequest request;

    template <typename Body>
    bool is() const {
      return std::holds_alternative<Body>(request.body);
    }
    const Record& record() const { return std::get<AcceptRequest>(request.body).record; }
  };
  struct Replica {
    std::uint64_t epoch = 1;
    RangeState range;
    KeyState key;
    // What a crash leaves.
    RangeState durable_range;
    KeyState durable_key;
  };

  explicit ScriptedCluster(PlantedBugs bugs = {}, std::uint64_t epoch = 1)
      : bugs_(bugs), epoch_(epoch) {
    for (const NodeId id : replica_ids) replicas_[id].epoch = epoch;
  }

  // ---- coordinators ---------------------------------------------------------------------------

  /// A coordinator on a node of that number; it acts as home only if it is a replica.
  void add_coordinator(NodeId self, CoordinatorOptions options = {}) {
    options.epoch = epoch_;
    options.self = self;
    options.incarnation = 1;
    options.bugs = bugs_;
    Node& node = nodes_[self];
    node.environment = std::make_unique<Environment>(*this, self);
    node.coordinator = std::make_unique<Coordinator>(options, Random(self), *node.environment);
  }
  Coordinator& coordinator(NodeId self) { return *nodes_.at(self).coordinator; }
  void set_reachable(NodeId node, bool reachable) { unreachable_[node] = !reachable; }

  static OperationRequest request(OperationKind kind, std::uint64_t id, ByteView value = {}) {
    OperationRequest r;
    r.kind = kind;
    r.key = KeyName::make("t", "k", 1);
    r.placement.range = range_token;
    for (const NodeId replica : replica_ids) {
      r.placement.replicas.nodes[r.placement.replicas.count++] = replica;
    }
    r.id = {{1, 1}, id};
    r.window = {1, {}, 1000};
    r.value = SharedBytes::copy_of(value);
    return r;
  }
  static OperationRequest get() { return request(OperationKind::get, 0); }
  static OperationRequest put(std::uint64_t id, ByteView value) {
    return request(OperationKind::put, id, value);
  }
  /// `expected` none: absent.
  static OperationRequest cas(std::uint64_t id, std::optional<ByteView> expected, ByteView value) {
    OperationRequest r = request(OperationKind::cas, id, value);
    if (expected) {
      r.expected.kind = Expectation::Kind::value;
      r.expected.value = SharedBytes::copy_of(*expected);
    }
    return r;
  }
  static OperationRequest on_key(OperationRequest r, ByteView key) {
    r.key = KeyName::make("t", key, 1);
    return r;
  }

  OperationHandle start(NodeId self, OperationRequest r,
                        Duration time_limit = std::chrono::hours(1)) {
    const OperationHandle handle = ++handles_;
    owner_[handle] = self;
    r.window.epoch = epoch_;
    coordinator(self).start(handle, std::move(r), now_ + time_limit, now_);
    coordinator(self).check_invariants();
    return handle;
  }
  bool finished(OperationHandle handle) const { return results_.contains(handle); }
  /// The answer; the operation must be over.
  const OperationResult& result(OperationHandle handle) const { return results_.at(handle); }
  ErrorCode error(OperationHandle handle) const { return results_.at(handle).error; }
  ByteView value(OperationHandle handle) const { return results_.at(handle).record.value.view(); }

  // ---- messages -------------------------------------------------------------------------------

  /// The latest message of the operation to the replica.
  Message latest(OperationHandle handle, NodeId replica) const {
    const Message* found = nullptr;
    for (const Message& m : sent_) {
      if (!m.id.for_range && m.id.operation == handle && m.replica == replica) found = &m;
    }
    if (found == nullptr) {
      ADD_FAILURE() << "operation " << handle << " sent nothing to " << replica;
      return {};
    }
    return *found;
  }
  Message latest_for_range(NodeId self, NodeId replica) const {
    Message found;
    for (const Message& m : sent_) {
      if (m.id.for_range && m.coordinator == self && m.replica == replica) found = m;
    }
    return found;
  }
  std::size_t sent_count() const { return sent_.size(); }
  const std::vector<Message>& sent() const { return sent_; }

  /// The message arrives; what the replica answers is not sent yet.
  ReplicaReply deliver(const Message& m) {
    Replica& r = replicas_.at(m.replica);
    const Acceptor acceptor(r.epoch, bugs_);
    const AcceptorOutcome out = m.id.for_range ? acceptor.on_range_request(m.request, r.range)
                                               : acceptor.on_key_request(m.request, r.range, r.key);
    if (bugs_are_off()) Acceptor::check_invariants(r.range, r.key);
    if (out.change == AcceptorChange::range) r.durable_range = r.range;
    if (out.change == AcceptorChange::key_promise || out.change == AcceptorChange::key_record) {
      r.durable_key = r.key;
    }
    return out.reply;
  }
  /// The answer to a message arrives.
  void answer(const Message& m, const ReplicaReply& reply) {
    Coordinator& c = coordinator(m.coordinator);
    c.on_reply(m.replica, m.id, reply, now_);
    c.check_invariants();
  }
  /// No answer to the message will come.
  void refuse(const Message& m) { coordinator(m.coordinator).on_no_reply(m.replica, m.id, now_); }
  void forget_messages() { sent_.clear(); }
  void round_trip(const Message& m) { answer(m, deliver(m)); }
  /// The operation's current messages to these replicas arrive, and their answers.
  void exchange(OperationHandle handle, std::initializer_list<NodeId> replicas) {
    for (const NodeId replica : replicas) round_trip(latest(handle, replica));
  }
  void exchange_range(NodeId self, std::initializer_list<NodeId> replicas) {
    for (const NodeId replica : replicas) round_trip(latest_for_range(self, replica));
  }
  /// Lets the operation talk to these replicas, and to no other, until it is over.
  void run_to_end(OperationHandle handle, std::initializer_list<NodeId> replicas) {
    for (int i = 0; i < 100 && !finished(handle); ++i) {
      const std::size_t before = sent_.size();
      for (const NodeId replica : replicas) {
        if (finished(handle)) return;
        const NodeId self = owner_.at(handle);
        if (!has_sent(handle)) {
          round_trip(latest_for_range(self, replica));
        } else {
          round_trip(latest(handle, replica));
        }
      }
      if (sent_.size() == before) advance(std::chrono::milliseconds(50));
    }
    ASSERT_TRUE(finished(handle));
  }
  bool has_sent(OperationHandle handle) const {
    for (const Message& m : sent_) {
      if (!m.id.for_range && m.id.operation == handle) return true;
    }
    return false;
  }

  // ---- replicas and time ----------------------------------------------------------------------

  Replica& replica(NodeId id) { return replicas_.at(id); }
  /// The replica's process dies and comes back with what was durable.
  void crash(NodeId id) {
    Replica& r = replicas_.at(id);
    r.range = r.durable_range;
    r.key = r.durable_key;
  }
  MonotonicTime now() const { return now_; }
  void advance(Duration by) {
    now_ += by;
    for (auto& [id, node] : nodes_) {
      node.coordinator->tick(now_);
      node.coordinator->check_invariants();
    }
  }
  /// Long enough for any pause, too short for a step's time limit.
  void wait_out_pause() { advance(std::chrono::milliseconds(50)); }
  /// The current step of every operation gives up on those that did not answer.
  void wait_out_step() { advance(std::chrono::seconds(1)); }

 private:
  class Environment final : public CoordinatorEnvironment {
   public:
    Environment(ScriptedCluster& cluster, NodeId self) : cluster_(cluster), self_(self) {}
    void send(NodeId to, const RequestId& id, const ReplicaRequest& request) override {
      cluster_.sent_.push_back({self_, to, id, request});
    }
    void finish(OperationHandle handle, OperationResult result) override {
      EXPECT_TRUE(cluster_.results_.emplace(handle, std::move(result)).second);
    }
    bool reachable(NodeId node) const override {
      const auto found = cluster_.unreachable_.find(node);
      return found == cluster_.unreachable_.end() || !found->second;
    }

   private:
    ScriptedCluster& cluster_;
    NodeId self_;
  };
  struct Node {
    std::unique_ptr<Environment> environment;
    std::unique_ptr<Coordinator> coordinator;
  };

  bool bugs_are_off() const {
    return !bugs_.has(PlantedBug::accept_ignores_promise) &&
           !bugs_.has(PlantedBug::promise_not_persisted);
  }

  [[no_unique_address]] PlantedBugs bugs_;
  std::uint64_t epoch_;
  MonotonicTime now_{std::chrono::hours(1)};
  OperationHandle handles_ = 0;
  std::map<NodeId, Node> nodes_;
  std::map<NodeId, bool> unreachable_;
  std::map<NodeId, Replica> replicas_;
  std::map<OperationHandle, NodeId> owner_;
  std::map<OperationHandle, OperationResult> results_;
  std::vector<Message> sent_;
};

}  // namespace grey::cluster
