// The client's connections: to the seeds until one of them has told the topology, then one data
// lane to each node, kept up by its channel. While no node can be reached for some time the seeds
// are asked again: the cluster may have moved.
//
// Only for the loop's thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/cluster_map.h"
#include "client/config.h"
#include "client/window_book.h"
#include "rpc/channel.h"
#include "transport/stream.h"

namespace grey::client {

class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  /// A topology was learnt, the first or a newer one.
  virtual void on_topology() = 0;
  virtual void on_node_up(NodeId node) = 0;
};

class Links {
 public:
  /// All outlive the links.
  Links(transport::Transport& transport, const Config& config, ClusterMap& map, WindowBook& book,
        LinkEvents& events);
  ~Links();
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  void start();
  /// Closes everything; completes the calls on all channels from inside.
  void stop();
  /// Asks all connected nodes for the topology.
  void refresh();
  /// Null if the topology has no such node.
  rpc::Channel* channel_of(NodeId node);
  /// Why nothing is connected, as far as is known.
  Error why_unreachable() const;
  /// What CLUSTER_INFO said last; meaningful once the map is known.
  const protocol::ClusterInfo& info() const noexcept { return info_; }

 private:
  struct Link;
  using LinkMap = std::map<std::uint64_t, std::unique_ptr<Link>>;

  void add(NodeId node, const transport::Endpoint& endpoint);
  void remove(std::uint64_t id);
  void start_seeds();
  void on_state(Link& link, const rpc::ChannelState& state);
  void ask(Link& link);
  void on_info(std::uint64_t link, const rpc::Reply& reply);
  void adopt(protocol::ClusterInfo info);
  void reconcile();
  void watch();

  transport::Transport& transport_;
  const Config& config_;
  ClusterMap& map_;
  WindowBook& book_;
  LinkEvents& events_;
  protocol::ClusterInfo info_;
  Bytes cluster_id_;  // once known, no other cluster is talked to
  Random random_;
  std::uint64_t next_id_ = 1;
  LinkMap links_;
  std::map<NodeId, std::uint64_t> by_node_;  // of the topology
  Error last_error_;
  MonotonicTime last_up_{};
  transport::TimerId watch_ = 0;
};

}  // namespace grey::client
