// A store node in the simulator: its disk outlives its processes; each life is a new incarnation,
// as `greyd` makes one durable at every start.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "cluster/ring/ring.h"
#include "cluster/store/store_node.h"
#include "sim/message_network.h"
#include "sim/profile.h"
#include "storage/memory/memory_disk.h"
#include "storage/memory/memory_engine.h"
#include "transport/sim/world.h"

namespace grey::sim {

class SimulatedNode final : private cluster::PeerSender {
 public:
  /// Finds the other nodes: null while one is down.
  using Directory = std::function<SimulatedNode*(NodeId)>;

  SimulatedNode(NodeId id, transport::sim::World& world, MessageNetwork& network,
                const cluster::Ring& ring, const Profile& profile, cluster::PlantedBugs bugs,
                Directory directory, Random random);
  ~SimulatedNode() override;

  void boot();
  /// The process dies, now. Safe from inside its own callbacks only through crash_soon().
  void crash();
  /// Dies at the n-th sync point from here.
  void crash_at_sync_point(std::uint32_t countdown, std::function<void()> then);
  void pause() { world_.pause(id_); }
  void resume() { world_.resume(id_); }

  NodeId id() const noexcept { return id_; }
  bool running() const noexcept { return node_ != nullptr; }
  /// Loaded and serving.
  bool ready() const noexcept { return node_ != nullptr && ready_; }
  cluster::StoreNode& store() { return *node_; }
  transport::Executor& executor() { return world_.executor(id_); }
  storage::MemoryDisk& disk() { return disk_; }
  std::uint64_t incarnation() const noexcept { return incarnation_; }
  void check_invariants() const;

 private:
  void send(NodeId to, const cluster::RequestId& id,
            const cluster::ReplicaRequest& request) override;
  bool reachable(NodeId node) const override;
  void receive(NodeId from, const cluster::RequestId& id, const cluster::ReplicaRequest& request,
               std::uint64_t sender_incarnation);

  NodeId id_;
  transport::sim::World& world_;
  MessageNetwork& network_;
  const cluster::Ring& ring_;
  const Profile& profile_;
  cluster::PlantedBugs bugs_;
  Directory directory_;
  Random random_;
  storage::MemoryDisk disk_;
  std::unique_ptr<storage::MemoryEngine> engine_;
  std::unique_ptr<cluster::StoreNode> node_;
  bool ready_ = false;
  std::uint64_t incarnation_ = 0;
  std::uint32_t sync_countdown_ = 0;
  std::function<void()> after_sync_crash_;
};

}  // namespace grey::sim
