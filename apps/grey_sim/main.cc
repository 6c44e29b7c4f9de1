// grey-sim: runs simulated clusters from seeds and checks what their clients saw.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "base/clock.h"
#include "sim/simulation.h"

namespace {

using grey::sim::RunReport;

constexpr const char* footer = R"(Examples:
  grey-sim --seed 42                      one run, in full
  grey-sim --seeds 2000 --profile hostile two thousand runs from seed 1
  grey-sim --seeds 2000 --json            the same, totals as one JSON object

A run is replayed exactly by its seed and profile: same events, same hash.
Exit status: 0 all is well, 1 wrong use, 10 a violation was found.)";

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t operations = 0;
  std::uint64_t events = 0;
  grey::Duration simulated{};
  grey::sim::WorkloadCounters workload;
  grey::sim::NemesisCounters nemesis;
  grey::sim::MessageCounters messages;
  std::uint64_t lost_batches = 0;
  std::uint64_t violations = 0;

  void add(const RunReport& run) {
    ++seeds;
    operations += run.operations;
    events += run.events;
    simulated += run.simulated;
    workload.applied += run.workload.applied;
    workload.mismatched += run.workload.mismatched;
    workload.not_applied += run.workload.not_applied;
    workload.unknown += run.workload.unknown;
    workload.resolved_applied += run.workload.resolved_applied;
    workload.resolved_never += run.workload.resolved_never;
    workload.fast_path += run.workload.fast_path;
    nemesis.crashes += run.nemesis.crashes;
    nemesis.sync_point_crashes += run.nemesis.sync_point_crashes;
    nemesis.pauses += run.nemesis.pauses;
    nemesis.partitions += run.nemesis.partitions;
    nemesis.one_way_partitions += run.nemesis.one_way_partitions;
    messages.sent += run.messages.sent;
    messages.lost += run.messages.lost;
    messages.duplicated += run.messages.duplicated;
    messages.slow += run.messages.slow;
    messages.blocked += run.messages.blocked;
    lost_batches += run.lost_batches;
    if (!run.violation.empty()) ++violations;
  }

  nlohmann::ordered_json to_json(double wall_s) const {
    const double simulated_s = std::chrono::duration<double>(simulated).count();
    return {{"seeds", seeds},
            {"violations", violations},
            {"operations", operations},
            {"applied", workload.applied},
            {"cas_mismatched", workload.mismatched},
            {"not_applied", workload.not_applied},
            {"unknown", workload.unknown},
            {"resolved_applied", workload.resolved_applied},
            {"resolved_never", workload.resolved_never},
            {"one_round_writes", workload.fast_path},
            {"events", events},
            {"simulated_s", simulated_s},
            {"wall_s", wall_s},
            {"simulated_s_per_s", wall_s > 0 ? simulated_s / wall_s : 0},
            {"faults",
             {{"crash", nemesis.crashes},
              {"crash_at_sync_point", nemesis.sync_point_crashes},
              {"pause", nemesis.pauses},
              {"partition", nemesis.partitions},
              {"one_way_partition", nemesis.one_way_partitions},
              {"message_lost", messages.lost},
              {"message_duplicated", messages.duplicated},
              {"message_slow", messages.slow},
              {"message_blocked", messages.blocked},
              {"unsynced_batch_lost", lost_batches}}}};
  }
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"grey-sim: simulated clusters, from seeds, with every history checked"};
  app.footer(footer);
  std::uint64_t first = 1;
  std::uint64_t count = 0;
  std::string profile = "hostile";
  bool json = false;
  auto* seed = app.add_option("--seed", first, "the first (or only) seed");
  app.add_option("--seeds", count, "how many seeds; default 1 with --seed, else 100");
  app.add_option("--profile", profile, "calm, hostile or contention")->capture_default_str();
  app.add_flag("--json", json, "totals as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }
  if (count == 0) count = seed->count() > 0 ? 1 : 100;

  const grey::SystemClock clock;
  const grey::MonotonicTime started = clock.now();
  Totals totals;
  for (std::uint64_t i = 0; i < count; ++i) {
    grey::sim::RunOptions options;
    options.seed = first + i;
    options.profile = profile;
    const auto run = grey::sim::run_simulation(options);
    if (!run) {
      std::fprintf(stderr, "grey-sim: %s\n", run.error().message().c_str());
      return 1;
    }
    totals.add(*run);
    if (!run->violation.empty()) {
      std::fprintf(stderr, "seed %llu, profile %s: %s\nreplay: grey-sim --seed %llu --profile %s\n",
                   static_cast<unsigned long long>(run->seed), profile.c_str(),
                   run->violation.c_str(), static_cast<unsigned long long>(run->seed),
                   profile.c_str());
    }
    if (count == 1 && !json) {
      std::printf("event hash %016llx\n", static_cast<unsigned long long>(run->event_hash));
    }
  }
  const double wall_s = std::chrono::duration<double>(clock.now() - started).count();
  const auto summary = totals.to_json(wall_s);
  if (json) {
    std::printf("%s\n", summary.dump(2).c_str());
  } else {
    for (const auto& [name, value] : summary.items()) {
      if (!value.is_object()) std::printf("%-20s %s\n", name.c_str(), value.dump().c_str());
    }
    for (const auto& [name, value] : summary["faults"].items()) {
      std::printf("fault %-22s %s\n", name.c_str(), value.dump().c_str());
    }
  }
  return totals.violations == 0 ? 0 : 10;
}
