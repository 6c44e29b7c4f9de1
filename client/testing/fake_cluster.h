// Nodes for the client's tests: real rpc servers on loopback in a thread of their own, and one map
// that they share instead of registers. What each node does with requests can be changed while it
// runs; every operation id that was submitted is remembered, so that a repeated one is noticed.
#pragma once
#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "protocol/data_messages.h"
#include "rpc/server.h"
#include "transport/asio/asio_transport.h"

namespace grey::client::testing {

enum class Behaviour {
  answer,         // as a node does
  silent,         // takes requests, never answers
  apply_silently  // applies writes, never answers them
};

/// Shared by the nodes; guarded by its mutex.
struct FakeStore {
  std::mutex mutex;
  std::map<Bytes, std::pair<Bytes, OperationId>> values;
  std::set<OperationId> submitted;  // that some node has seen
  std::set<OperationId> applied;
  std::set<OperationId> refused;  // resolved as never: must not be applied later
  int repeated = 0;               // submissions seen twice
  int resolves = 0;
  int applied_after_refusal = 0;
  /// Submissions to be answered window_stale, with this round as the hint.
  int stale_left = 0;
  std::uint64_t round_seen = 7;
  std::uint64_t window_high_seen = 0;
  int overloaded_left = 0;
  std::uint64_t value_bytes_max = 1u << 20;
};

class FakeCluster {
 public:
  explicit FakeCluster(std::size_t nodes = 3);
  ~FakeCluster();
  FakeCluster(const FakeCluster&) = delete;
  FakeCluster& operator=(const FakeCluster&) = delete;

  std::vector<std::string> endpoints() const;
  void set_behaviour(NodeId node, Behaviour behaviour);
  /// Closes the node's connections and its listener; a later start() listens on the same port.
  void stop(NodeId node);
  void start(NodeId node);
  /// The node's thread stops turning: connections stay, nothing is read (as after SIGSTOP).
  void freeze(NodeId node);
  void thaw(NodeId node);
  int requests_of(NodeId node) const;
  /// The node that the ring prefers for a key.
  NodeId home_of(ByteView tenant, ByteView key) const;

  FakeStore store;

 private:
  class Node;
  protocol::ClusterInfo info() const;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace grey::client::testing
