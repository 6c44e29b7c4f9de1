#include "sim/full_stack/profile.h"

#include <utility>

namespace grey::sim::full_stack {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

void quiet_parts(FullProfile& p, Random& random) {
  p.network.latency_max = random.between(Duration(microseconds(100)), Duration(milliseconds(3)));
  p.disk.sync_latency_min = microseconds(50);
  p.disk.sync_latency_max = random.between(Duration(microseconds(100)), Duration(milliseconds(10)));
  p.disk.read_latency_min = microseconds(5);
  p.disk.read_latency_max = microseconds(200);
  p.disk.early_visibility_chance = 0.2;
  p.values.medium_percent = random.chance(0.5) ? 5 : 0;
  p.values.large_percent = random.chance(0.15) ? 2 : 0;
}

void bad_network(FullProfile& p, Random& random) {
  auto& n = p.network;
  n.slow_chance = random.chance(0.5) ? random.unit() * 0.02 : 0;
  n.latency_slow_max = random.between(Duration(milliseconds(5)), Duration(milliseconds(500)));
  n.loss_chance = random.chance(0.5) ? random.unit() * 0.01 : 0;
  n.split_send_chance = random.chance(0.5) ? random.unit() * 0.5 : 0;
  n.split_receive_chance = random.chance(0.5) ? random.unit() * 0.5 : 0;
  n.short_send_chance = random.chance(0.5) ? random.unit() * 0.5 : 0;
  n.bit_flip_chance = random.chance(0.2) ? 0.0005 : 0;
  n.reset_chance = random.chance(0.3) ? 0.0005 : 0;
  n.window_bytes = random.chance(0.3) ? 16 * 1024 : 256 * 1024;
  n.unreachable_timeout = seconds(10);
}

void all_faults(FullProfile& p, Random& random) {
  p.fault_interval_max = random.between(Duration(milliseconds(100)), Duration(seconds(3)));
  p.fault_duration_max = random.chance(0.3)
                             ? Duration(seconds(10))
                             : random.between(Duration(milliseconds(100)), Duration(seconds(3)));
  for (double* weight : {&p.crash_weight, &p.machine_weight, &p.sync_crash_weight, &p.pause_weight,
                         &p.drain_weight, &p.partition_weight, &p.one_way_weight, &p.reset_weight,
                         &p.clog_weight, &p.slow_disk_weight, &p.sync_failure_weight}) {
    *weight = random.chance(0.7) ? random.unit() : 0;
  }
  p.disk.sync_stall_chance = random.chance(0.3) ? random.unit() * 0.05 : 0;
  p.disk.sync_stall_min = milliseconds(50);
  p.disk.sync_stall_max = milliseconds(1500);
}

using SingleFault = FullProfile::SingleFault;

constexpr std::pair<std::string_view, SingleFault> single_faults[] = {
    {"failover-kill", SingleFault::kill},     {"failover-vanish", SingleFault::vanish},
    {"failover-freeze", SingleFault::freeze}, {"failover-drain", SingleFault::drain},
    {"failover-cut", SingleFault::cut},
};

void one_node_goes(FullProfile& p, SingleFault fault, Random& random) {
  p.single_fault = fault;
  if (random.chance(0.5)) {
    p.network.split_send_chance = 0.3;
    p.network.split_receive_chance = 0.3;
    p.network.short_send_chance = 0.3;
  }
  p.workload.written_once = random.chance(0.7);
  p.workload.put_share = 0.5;
  p.workload.keys = 20;
  p.workload.clients = 8;
  p.workload.operations = 2500;
  p.workload.think_max = milliseconds(150);
  p.workload.operation_timeout = seconds(10);
}

}  // namespace

std::optional<FullProfile> FullProfile::draw(std::string_view kind, Random& random) {
  FullProfile p;
  auto& w = p.workload;
  w.kind = kind;
  w.keys = random.between(1, 5);
  w.operations = 200;
  w.think_max = random.between(Duration(microseconds(10)), Duration(milliseconds(50)));
  w.operation_timeout = random.between(Duration(milliseconds(500)), Duration(seconds(10)));
  quiet_parts(p, random);
  if (kind == "calm") return p;
  if (kind == "hostile" || kind == "contention") {
    bad_network(p, random);
    all_faults(p, random);
    if (kind == "contention") {
      w.keys = random.between(1, 2);
      w.put_share = 0.2 + 0.3 * random.unit();
      w.cas_share = 0.1 + 0.3 * random.unit();
      w.remove_share = 0.1 * random.unit();
      w.think_max = milliseconds(2);
    }
    return p;
  }
  for (const auto& [name, fault] : single_faults) {
    if (kind != name) continue;
    one_node_goes(p, fault, random);
    return p;
  }
  return std::nullopt;
}

}  // namespace grey::sim::full_stack
