// A simulated greyd: a Node, its engine, and the host and disk that outlive both. Every life is a
// new incarnation, as greyd makes one durable at every start; the process ends by being killed, by
// draining, or by itself when its storage fails.
//
// Its host in the world has the number of its node. May be killed from any callback of the world's,
// the disk's or the transport's, but not from inside one of the node's own.
#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "base/random.h"
#include "cluster/node/node.h"
#include "cluster/ring/topology.h"
#include "storage/memory/memory_disk.h"
#include "storage/memory/memory_engine.h"
#include "transport/sim/world.h"

namespace grey::cluster::testing {

inline constexpr std::uint16_t node_port = 7400;

/// `nodes` nodes on hosts 1, 2, 3, ...
Topology simulated_topology(std::size_t nodes, std::string cluster_id = "simulated");
/// The configuration of one of them, with small limits that suit a simulation.
NodeConfig simulated_config(NodeId node, Topology topology);

class NodeProcess {
 public:
  NodeProcess(transport::sim::World& world, NodeConfig config, Random random,
              storage::MemoryDiskOptions disk = {});
  ~NodeProcess();
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  void boot();
  /// SIGKILL: what is not synced may be lost; the connections end as `peers_see` says.
  void kill(transport::sim::PeersSee peers_see = transport::sim::PeersSee::reset);
  /// Killed at the n-th sync point from here (0: not at all any more); then calls `then`.
  void kill_at_sync_point(std::uint32_t countdown, std::function<void()> then);
  /// SIGTERM: drains for at most `grace`, then the process ends in good order and `then` is called.
  void terminate(Duration grace, std::function<void()> then = {});
  void pause() { world_.pause(id()); }
  void resume() { world_.resume(id()); }
  /// Called when the process has ended because of an error of its own.
  void on_failure(std::function<void(const Error&)> report) { on_failure_ = std::move(report); }

  NodeId id() const noexcept { return config_.node; }
  bool running() const noexcept { return node_ != nullptr; }
  bool terminating() const noexcept { return terminating_; }
  /// Loaded and listening.
  bool serving() const noexcept { return running() && serving_; }
  std::uint64_t incarnation() const noexcept { return incarnation_; }
  /// Valid while running.
  Node& node() { return *node_; }
  const Node& node() const { return *node_; }
  storage::MemoryDisk& disk() noexcept { return disk_; }
  const storage::MemoryDisk& disk() const noexcept { return disk_; }
  void check_invariants() const;

 private:
  void fail_soon(Error error);
  void end_in_good_order();

  transport::sim::World& world_;
  NodeConfig config_;
  Random random_;
  storage::MemoryDisk disk_;
  std::unique_ptr<spdlog::logger> log_;
  std::unique_ptr<storage::MemoryEngine> engine_;
  std::unique_ptr<Node> node_;
  std::uint64_t incarnation_ = 0;
  bool serving_ = false;
  bool terminating_ = false;
  std::uint32_t sync_countdown_ = 0;
  std::function<void()> after_sync_kill_;
  std::function<void(const Error&)> on_failure_;
};

}  // namespace grey::cluster::testing
