#include "apps/grey_sim/totals.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"

namespace grey::sim {

void Totals::add_fault(const char* name, std::uint64_t count) {
  auto& total = faults_[name];
  total = (total.is_null() ? 0 : total.get<std::uint64_t>()) + count;
}

void Totals::add_workload(const WorkloadCounters& run) {
  workload_.applied += run.applied;
  workload_.mismatched += run.mismatched;
  workload_.not_applied += run.not_applied;
  workload_.unknown += run.unknown;
  workload_.resolved_applied += run.resolved_applied;
  workload_.resolved_never += run.resolved_never;
  workload_.fast_path += run.fast_path;
}

void Totals::add(const RunReport& run) {
  ++seeds_;
  if (!run.violation.empty()) ++violations_;
  operations_ += run.operations;
  events_ += run.events;
  simulated_ += run.simulated;
  add_workload(run.workload);
  add_fault("crash", run.nemesis.crashes);
  add_fault("crash_at_sync_point", run.nemesis.sync_point_crashes);
  add_fault("pause", run.nemesis.pauses);
  add_fault("partition", run.nemesis.partitions);
  add_fault("one_way_partition", run.nemesis.one_way_partitions);
  add_fault("message_lost", run.messages.lost);
  add_fault("message_duplicated", run.messages.duplicated);
  add_fault("message_slow", run.messages.slow);
  add_fault("message_blocked", run.messages.blocked);
  add_fault("unsynced_batch_lost", run.lost_batches);
}

void Totals::add(const full_stack::FullRunReport& run) {
  ++seeds_;
  if (!run.violation.empty()) ++violations_;
  operations_ += run.operations;
  events_ += run.events;
  simulated_ += run.simulated;
  slowest_ = std::max(slowest_, run.slowest);
  add_workload(run.workload);
  for (const auto& [code, count] : run.codes) outcomes_[std::string(error_name(code))] += count;
  add_fault("kill", run.nemesis.kills);
  add_fault("machine_lost", run.nemesis.machine_losses);
  add_fault("kill_at_sync_point", run.nemesis.sync_point_kills);
  add_fault("pause", run.nemesis.pauses);
  add_fault("drain", run.nemesis.drains);
  add_fault("partition", run.nemesis.partitions);
  add_fault("one_way_partition", run.nemesis.one_way_partitions);
  add_fault("connections_reset", run.nemesis.resets);
  add_fault("clog", run.nemesis.clogs);
  add_fault("slow_disk", run.nemesis.slow_disks);
  add_fault("sync_failure", run.nemesis.sync_failures);
  add_fault("slow_packet", run.network.slow_packets);
  add_fault("lost_packet", run.network.losses);
  add_fault("split_send", run.network.split_sends);
  add_fault("split_receive", run.network.split_receives);
  add_fault("short_send", run.network.short_sends);
  add_fault("window_full", run.network.windows_full);
  add_fault("bit_flip", run.network.bit_flips);
  add_fault("random_reset", run.network.resets);
  add_fault("refused", run.network.refused);
  add_fault("unreachable_timeout", run.network.unreachable_timeouts);
  add_fault("unsynced_batch_lost", run.lost_batches);
}

nlohmann::ordered_json Totals::to_json(double wall_s) const {
  const double simulated_s = std::chrono::duration<double>(simulated_).count();
  nlohmann::ordered_json out = {{"seeds", seeds_},
                                {"violations", violations_},
                                {"operations", operations_},
                                {"applied", workload_.applied},
                                {"cas_mismatched", workload_.mismatched},
                                {"not_applied", workload_.not_applied},
                                {"unknown", workload_.unknown}};
  if (outcomes_.empty()) {
    out["resolved_applied"] = workload_.resolved_applied;
    out["resolved_never"] = workload_.resolved_never;
    out["one_round_writes"] = workload_.fast_path;
  } else {
    out["slowest_ms"] = std::chrono::duration<double, std::milli>(slowest_).count();
  }
  out["events"] = events_;
  out["simulated_s"] = simulated_s;
  out["wall_s"] = wall_s;
  out["simulated_s_per_s"] = wall_s > 0 ? simulated_s / wall_s : 0;
  if (!outcomes_.empty()) out["outcomes"] = outcomes_;
  out["faults"] = faults_;
  return out;
}

}  // namespace grey::sim
