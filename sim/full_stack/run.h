// One run of the whole stack from its seed: three nodes with their servers, links, sessions, stores
// and disks, programs that use the client library, faults, and the verdict. The same seed and
// profile give the same run, event for event.
//
// What must hold: every key's history is linearizable; nothing but written values is ever read;
// every operation ends by its deadline; once the faults are over every node serves every key, no
// operation fails, and in the end nothing is left over of any request or connection. In the
// failover profiles one node goes for ten seconds, and besides no operation fails, none is left
// unknown if its key is written once, and throughput is back within two seconds.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "base/error.h"
#include "sim/full_stack/nemesis.h"
#include "sim/history.h"
#include "sim/workload.h"
#include "transport/sim/options.h"

namespace grey::sim::full_stack {

struct FullRunOptions {
  std::uint64_t seed = 0;
  std::string profile = "hostile";
};

struct FullRunReport {
  std::uint64_t seed = 0;
  std::string profile;
  std::uint64_t event_hash = 0;  // of every event of the world and of the history
  std::uint64_t events = 0;
  Duration simulated{};
  std::size_t operations = 0;
  Duration slowest{};  // operation
  WorkloadCounters workload;
  std::map<ErrorCode, std::uint64_t> codes;  // how operations ended
  NemesisCounters nemesis;
  transport::sim::FaultCounters network;
  std::uint64_t lost_batches = 0;
  /// Empty if all is well; else what was violated, for people.
  std::string violation;
  History history;
};

/// Fails with usage for an unknown profile.
Result<FullRunReport> run_full_stack(const FullRunOptions& options);

}  // namespace grey::sim::full_stack
