// What one simulated run looks like: sizes, the network's and the disks' manners, how often faults
// strike. A profile is drawn from the seed within the bounds of its kind, so that thousands of
// seeds cover thousands of different clusters.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

namespace grey::sim {

/// How messages between hosts fare. Probabilities are per message.
struct MessageManners {
  Duration latency_min{};
  Duration latency_max{};
  double slow_chance = 0;  // such a message takes up to latency_slow_max
  Duration latency_slow_max{};
  double loss_chance = 0;
  double duplicate_chance = 0;
};

struct Profile {
  std::string kind;
  std::size_t nodes = 3;
  std::size_t clients = 5;
  std::size_t keys = 3;
  std::size_t operations = 300;  // in all
  bool written_once = false;     // every put goes to a key of its own; `keys` is ignored

  MessageManners messages;
  Duration sync_min{};
  Duration sync_max{};
  double sync_stall_chance = 0;

  /// Chances of each operation kind; the rest are gets.
  double put_share = 0.3;
  double remove_share = 0.1;
  double cas_share = 0.3;
  /// How often a client goes to the first replica instead of any node.
  double home_affinity = 0.5;
  /// How often a client settles an unknown outcome by RESOLVE at another node.
  double resolve_chance = 0.7;
  Duration think_max{};
  Duration operation_timeout{};
  Duration step_timeout = std::chrono::milliseconds(200);  // the coordinators'
  bool use_home = true;

  /// Time between two faults; zero: none.
  Duration fault_interval_max{};
  double crash_weight = 1;
  double sync_crash_weight = 1;  // a crash exactly at a sync point
  double pause_weight = 1;
  double partition_weight = 1;
  double one_way_weight = 1;
  Duration fault_duration_max{};
  std::size_t cache_bytes_max = 64u << 20;

  /// "calm": no faults; "hostile": everything; "contention": one key, many writers, impatient ones.
  /// Empty for an unknown kind.
  static std::optional<Profile> draw(std::string_view kind, Random& random);
};

}  // namespace grey::sim
