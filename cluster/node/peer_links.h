// The connections to the other nodes: one data-lane channel each, over which this node's
// coordinator speaks to their replicas.
//
// Thread-safety: loop's thread only.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "breaker/circuit_breaker.h"
#include "cluster/ring/topology.h"
#include "cluster/store/store_node.h"
#include "rpc/channel.h"
#include "transport/stream.h"

namespace grey::cluster {

struct PeerLinkOptions {
  NodeId self = 0;
  rpc::ChannelOptions channel;  // template: endpoint and expected node are filled in
  Duration call_timeout = std::chrono::seconds(5);
  std::size_t value_bytes_max = 1u << 20;  // the largest answer to make room for
};

struct PeerView {
  NodeId node = 0;
  rpc::ChannelState state;
  std::size_t calls_outstanding = 0;
};

class PeerLinks final : public PeerSender, private rpc::CallSink {
 public:
  PeerLinks(transport::Transport& transport, const PeerLinkOptions& options,
            const Topology& topology);
  ~PeerLinks() override;

  /// Begins to connect; answers go to `node`, which outlives the links' last callback.
  void start(StoreNode& node);
  void drain(MonotonicTime deadline);
  /// A peer has shown that it is up (it connected to us): do not wait for the back-off.
  void nudge(NodeId node);
  std::vector<PeerView> view() const;

  void send(NodeId to, const RequestId& id, const ReplicaRequest& request) override;
  bool reachable(NodeId node) const override;

 private:
  struct Peer {
    std::unique_ptr<rpc::Channel> channel;
  };
  struct Pending {
    NodeId to = 0;
    RequestId id;
    std::uint32_t next_free = 0;
  };

  void on_reply(std::uint64_t cookie, const rpc::Reply& reply) override;
  std::uint32_t reply_bytes_for(const ReplicaRequest& request) const;

  transport::Transport& transport_;
  PeerLinkOptions options_;
  StoreNode* node_ = nullptr;
  std::map<NodeId, Peer> peers_;
  std::vector<Pending> pending_;  // by cookie
  std::uint32_t free_head_ = no_slot;
  static constexpr std::uint32_t no_slot = ~0u;
  Bytes head_;  // scratch
};

}  // namespace grey::cluster
