// One simulated run from its seed: a cluster, its clients, its faults, and the verdict on what the
// clients saw. The same seed and profile give the same run, event for event.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cluster/register/planted_bug.h"
#include "sim/history.h"
#include "sim/lincheck/checker.h"
#include "sim/message_network.h"
#include "sim/nemesis.h"
#include "sim/workload.h"

namespace grey::sim {

struct RunOptions {
  std::uint64_t seed = 0;
  std::string profile = "hostile";
  lincheck::Limits checker = {};
  [[no_unique_address]] cluster::PlantedBugs bugs;
};

struct RunReport {
  std::uint64_t seed = 0;
  std::string profile;
  std::uint64_t event_hash = 0;  // of every event of the world and of the history
  std::uint64_t events = 0;
  Duration simulated{};
  std::size_t operations = 0;
  WorkloadCounters workload;
  NemesisCounters nemesis;
  MessageCounters messages;
  std::uint64_t sync_points = 0;
  std::uint64_t lost_batches = 0;
  /// Empty if all is well; else what was violated, for people.
  std::string violation;
  History history;
};

/// Fails with usage for an unknown profile.
Result<RunReport> run_simulation(const RunOptions& options);

}  // namespace grey::sim
