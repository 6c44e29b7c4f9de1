// The client's picture of the cluster: where keys live and which nodes are worth asking. A node is
// up while its channel is; one that left a request unanswered is suspect for a while and asked
// last, until its channel is found dead or it answers again.
//
// Only for its owner's thread.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "cluster/ring/ring.h"
#include "protocol/data_messages.h"

namespace grey::client {

class ClusterMap {
 public:
  /// Takes over a topology. Fails with bad_envelope if it is not a valid one; the old one stays.
  Status adopt(const protocol::ClusterInfo& info);
  bool known() const noexcept { return ring_.has_value(); }
  /// Valid once known().
  const cluster::Topology& topology() const noexcept { return ring_->topology(); }
  std::size_t range_count() const noexcept { return ring_ ? ring_->range_count() : 0; }
  cluster::RangeId range_of(ByteView tenant, ByteView key) const;

  void set_up(NodeId node, bool up);
  void set_suspect(NodeId node, MonotonicTime until);
  void clear_suspect(NodeId node);
  bool any_up() const noexcept;

  /// The nodes that are up, best first: the range's replicas in ring order (so the preferred home,
  /// if it can be), then replicas that are suspect, then the others.
  void candidates(cluster::RangeId range, MonotonicTime now, std::vector<NodeId>& out) const;

 private:
  struct State {
    bool up = false;
    MonotonicTime suspect_until{};
  };
  std::optional<cluster::Ring> ring_;
  std::map<NodeId, State> nodes_;  // of the topology
};

}  // namespace grey::client
