// What strikes a simulated cluster of whole nodes: their processes, machines, disks and
// connections. Everything is drawn from the run's seed.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/random.h"
#include "cluster/node/testing/node_process.h"
#include "sim/full_stack/profile.h"
#include "transport/sim/world.h"

namespace grey::sim::full_stack {

using cluster::testing::NodeProcess;

struct NemesisCounters {
  std::uint64_t kills = 0;
  std::uint64_t machine_losses = 0;
  std::uint64_t sync_point_kills = 0;
  std::uint64_t pauses = 0;
  std::uint64_t drains = 0;
  std::uint64_t partitions = 0;
  std::uint64_t one_way_partitions = 0;
  std::uint64_t resets = 0;
  std::uint64_t clogs = 0;
  std::uint64_t slow_disks = 0;
  std::uint64_t sync_failures = 0;
};

class Nemesis {
 public:
  Nemesis(transport::sim::World& world, std::vector<std::unique_ptr<NodeProcess>>& nodes,
          const FullProfile& profile, Random random);

  void start();
  /// No more faults; everything that is broken is mended at once.
  void stop_and_heal();
  const NemesisCounters& counters() const noexcept { return counters_; }
  /// When the single fault of the profile struck; never if it has not.
  MonotonicTime struck_at() const noexcept { return struck_at_; }

 private:
  using HostId = transport::sim::HostId;
  struct Strike {
    double weight;
    void (Nemesis::*run)(NodeProcess&);
  };

  void schedule_next();
  void strike();
  void strike_once();
  void kill(NodeProcess& node);
  void lose_machine(NodeProcess& node);
  void kill_at_sync_point(NodeProcess& node);
  void pause(NodeProcess& node);
  void drain(NodeProcess& node);
  void partition(NodeProcess& node);
  void cut_one_way(NodeProcess& node);
  void reset_connections(NodeProcess& node);
  void clog(NodeProcess& node);
  void slow_disk(NodeProcess& node);
  void fail_sync(NodeProcess& node);

  void freeze(NodeProcess& node, Duration duration);
  void cut_off(NodeProcess& node, double client_chance, Duration duration);
  void boot_later(NodeProcess& node, Duration delay);
  void later(Duration delay, std::function<void()> what);
  Duration some_time() { return random_.between(Duration(1), profile_.fault_duration_max); }
  /// Another node or a client.
  HostId other_host(const NodeProcess& node);

  transport::sim::World& world_;
  std::vector<std::unique_ptr<NodeProcess>>& nodes_;
  const FullProfile& profile_;
  Random random_;
  bool active_ = false;
  MonotonicTime struck_at_ = never;
  NemesisCounters counters_;
};

}  // namespace grey::sim::full_stack
