// One node's share of the store: its replica of the registers, the coordinator for the operations
// that clients bring to it, and the loop-back between them. What it says to other nodes goes
// through PeerSender: the simulator brings a network of messages, the daemon one of connections.
//
// Thread-safety: all methods and callbacks on the executor's thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "cluster/register/coordinator.h"
#include "cluster/ring/ring.h"
#include "cluster/store/replica.h"
#include "storage/engine.h"
#include "transport/executor.h"

namespace grey::cluster {

class PeerSender {
 public:
  virtual ~PeerSender() = default;
  /// Sends to another node. The answer goes to StoreNode::on_peer_reply(), or on_peer_silence() if
  /// none will come; never from inside this call. Request ids repeat after a restart, so an answer
  /// to an earlier life of this node must not reach it.
  virtual void send(NodeId to, const RequestId& id, const ReplicaRequest& request) = 0;
  /// Whether the node seems to be up.
  virtual bool reachable(NodeId node) const = 0;
};

struct StoreNodeOptions {
  CoordinatorOptions coordinator;  // epoch, self, incarnation included
  ReplicaOptions replica;
};

class StoreNode final : private CoordinatorEnvironment {
 public:
  using ResultCallback = std::move_only_function<void(OperationResult)>;

  /// `ring`, `engine`, `executor` and `peers` outlive the node.
  StoreNode(const StoreNodeOptions& options, const Ring& ring, transport::Executor& executor,
            storage::Engine& engine, PeerSender& peers, Random random,
            Replica::FatalCallback on_fatal);
  ~StoreNode() override;

  /// Loads what the replica needs; nothing else may be called before `done`.
  void open(std::move_only_function<void(Status)> done);

  /// Where a key lives.
  Placement placement_of(const KeyName& key) const;
  /// Runs an operation; `done` is called exactly once, by `deadline`, perhaps from inside the call.
  /// The request's placement is filled in here.
  void submit(OperationRequest request, MonotonicTime deadline, ResultCallback done);

  /// A request of another node's coordinator.
  void on_peer_request(const ReplicaRequest& request, Replica::ReplyCallback reply);
  void on_peer_reply(NodeId from, const RequestId& id, const ReplicaReply& reply);
  void on_peer_silence(NodeId from, const RequestId& id);

  NodeId self() const noexcept { return self_; }
  const Ring& ring() const noexcept { return ring_; }
  const Coordinator& coordinator() const noexcept { return coordinator_; }
  const Replica& replica() const noexcept { return replica_; }
  void check_invariants() const;

 private:
  struct LocalRequest {
    RequestId id;
    ReplicaRequest request;
  };

  void send(NodeId to, const RequestId& id, const ReplicaRequest& request) override;
  void finish(OperationHandle handle, OperationResult result) override;
  bool reachable(NodeId node) const override;
  void run_local();
  void arm();

  const Ring& ring_;
  transport::Executor& executor_;
  PeerSender& peers_;
  NodeId self_;
  Replica replica_;
  Coordinator coordinator_;
  OperationHandle next_handle_ = 1;
  std::unordered_map<OperationHandle, ResultCallback> callbacks_;
  std::vector<LocalRequest> local_;
  bool local_posted_ = false;
  transport::TimerId timer_ = 0;
  MonotonicTime timer_at_ = never;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace grey::cluster
