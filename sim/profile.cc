#include "sim/profile.h"

namespace grey::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

static Profile base_profile(Random& random) {
  Profile p;
  p.messages.latency_min = microseconds(50);
  p.messages.latency_max = random.between(Duration(microseconds(100)), Duration(milliseconds(5)));
  p.sync_min = microseconds(50);
  p.sync_max = random.between(Duration(microseconds(100)), Duration(milliseconds(10)));
  p.keys = random.between(1, 5);
  p.home_affinity = random.chance(0.3) ? 1.0 : random.unit();
  p.use_home = random.chance(0.85);
  p.think_max = random.between(Duration(microseconds(10)), Duration(milliseconds(20)));
  p.operation_timeout = random.between(Duration(milliseconds(300)), Duration(seconds(4)));
  return p;
}

static void add_bad_messages(Profile& p, Random& random) {
  p.messages.slow_chance = random.chance(0.6) ? random.unit() * 0.2 : 0;
  p.messages.latency_slow_max = random.between(Duration(milliseconds(10)), Duration(seconds(2)));
  p.messages.loss_chance = random.chance(0.6) ? random.unit() * 0.15 : 0;
  p.messages.duplicate_chance = random.chance(0.6) ? random.unit() * 0.2 : 0;
}

static void add_faults(Profile& p, Random& random) {
  p.fault_interval_max = random.between(Duration(milliseconds(20)), Duration(seconds(1)));
  p.fault_duration_max = random.between(Duration(milliseconds(50)), Duration(seconds(2)));
  p.crash_weight = random.unit();
  p.sync_crash_weight = random.unit();
  p.pause_weight = random.unit();
  p.partition_weight = random.unit();
  p.one_way_weight = random.unit();
  p.sync_stall_chance = random.chance(0.3) ? random.unit() * 0.05 : 0;
  p.cache_bytes_max = random.chance(0.3) ? 600 : 64u << 20;
}

std::optional<Profile> Profile::draw(std::string_view kind, Random& random) {
  Profile p = base_profile(random);
  p.kind = kind;
  if (kind == "calm") return p;
  if (kind == "hostile") {
    add_bad_messages(p, random);
    add_faults(p, random);
    return p;
  }
  if (kind == "contention") {
    // Five writers on one key through any node, with little patience: operations overtake one
    // another all the time. Some runs have few faults, so that attempts of one operation pile up,
    // others many crashes. Nothing here is aimed at a particular bug.
    add_bad_messages(p, random);
    add_faults(p, random);
    p.keys = 1;
    p.operations = 500;
    p.put_share = 0.2 + 0.3 * random.unit();
    p.cas_share = 0.1 + 0.3 * random.unit();
    p.remove_share = 0.1 * random.unit();
    p.think_max = milliseconds(2);
    p.home_affinity = random.unit() * 0.7;
    p.step_timeout = random.between(Duration(milliseconds(5)), Duration(milliseconds(60)));
    if (random.chance(0.6)) {
      p.fault_interval_max = random.between(Duration(milliseconds(200)), Duration(seconds(3)));
    } else {
      p.crash_weight += 2;
      p.sync_crash_weight += 2;
    }
    return p;
  }
  return std::nullopt;
}

}  // namespace grey::sim
