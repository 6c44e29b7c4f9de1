// What strikes a simulated cluster: crashes (at random moments and exactly at sync points), pauses
// and partitions, drawn from the run's seed.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "base/random.h"
#include "sim/profile.h"
#include "sim/simulated_node.h"
#include "transport/sim/world.h"

namespace grey::sim {

struct NemesisCounters {
  std::uint64_t crashes = 0;
  std::uint64_t sync_point_crashes = 0;
  std::uint64_t pauses = 0;
  std::uint64_t partitions = 0;
  std::uint64_t one_way_partitions = 0;
};

class Nemesis {
 public:
  Nemesis(transport::sim::World& world, std::vector<std::unique_ptr<SimulatedNode>>& nodes,
          const Profile& profile, Random random)
      : world_(world), nodes_(nodes), profile_(profile), random_(random) {}

  void start();
  /// No more faults; everything that is broken is mended at once.
  void stop_and_heal();
  const NemesisCounters& counters() const noexcept { return counters_; }

 private:
  void strike();
  void schedule_next();
  void restart_later(SimulatedNode& node);
  Duration some_time() { return random_.between(Duration(1), profile_.fault_duration_max); }

  transport::sim::World& world_;
  std::vector<std::unique_ptr<SimulatedNode>>& nodes_;
  const Profile& profile_;
  Random random_;
  bool active_ = false;
  NemesisCounters counters_;
};

}  // namespace grey::sim
