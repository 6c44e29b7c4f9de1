// What a run of the whole stack looks like, drawn from its seed within the bounds of its kind.
#pragma once
#include <optional>
#include <string_view>

#include "base/random.h"
#include "sim/full_stack/values.h"
#include "sim/profile.h"
#include "storage/memory/memory_disk.h"
#include "transport/sim/options.h"

namespace grey::sim::full_stack {

struct FullProfile {
  /// Clients and what they do; its messages, disks, home and fault weights play no part here.
  Profile workload;
  transport::sim::NetworkOptions network;
  storage::MemoryDiskOptions disk;
  ValueSizes values;

  /// Time between two faults; zero: none of those below.
  Duration fault_interval_max{};
  Duration fault_duration_max{};
  double crash_weight = 0;       // the process is killed
  double machine_weight = 0;     // the machine vanishes: no reset tells anyone
  double sync_crash_weight = 0;  // killed exactly at a sync point
  double pause_weight = 0;       // frozen: the kernel answers, the process does nothing
  double drain_weight = 0;       // stopped in good order, started again later
  double partition_weight = 0;   // a node from the others, with or without the clients
  double one_way_weight = 0;     // between two hosts, one direction
  double reset_weight = 0;       // every connection between two hosts
  double clog_weight = 0;        // packets from one host to another are held
  double slow_disk_weight = 0;
  double sync_failure_weight = 0;  // an fsync fails: the node must end itself

  /// One node goes for ten seconds, and no operation may fail.
  enum class SingleFault {
    none,
    kill,    // the process
    vanish,  // the machine: nobody is told
    freeze,  // the process; its kernel goes on answering
    drain,   // stopped in good order
    cut      // from everyone, both ways
  };
  SingleFault single_fault = SingleFault::none;

  /// "calm": no faults; "hostile": everything; "contention": everything, few keys, many writers;
  /// "failover-kill", "-vanish", "-freeze", "-drain", "-cut": the single faults above; in most of
  /// these runs every key is written once. Empty for an unknown kind.
  static std::optional<FullProfile> draw(std::string_view kind, Random& random);
};

}  // namespace grey::sim::full_stack
