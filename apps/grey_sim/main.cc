// grey-sim: runs simulated clusters from seeds and checks what their clients saw.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <string>

#include "apps/grey_sim/totals.h"
#include "base/clock.h"

namespace {

using namespace grey;

constexpr const char* footer = R"(Examples:
  grey-sim --seed 42                      one run, in full
  grey-sim --seeds 2000 --profile hostile two thousand runs from seed 1
  grey-sim --seeds 2000 --json            the same, totals as one JSON object
  grey-sim --stack full --seed 42         nodes and clients as they are, over connections

--stack messages joins the nodes' stores by a network that loses, repeats and reorders messages;
--stack full runs whole nodes and the client library over simulated connections and disks.
Profiles: calm, hostile, contention; of the full stack also failover-kill, failover-vanish,
failover-freeze, failover-drain and failover-cut. A run is replayed exactly by its stack, seed and profile: same events, same hash.
Exit status: 0 all is well, 1 wrong use, 10 a violation was found.)";

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t count = 0;
  std::string stack = "messages";
  std::string profile = "hostile";
  bool json = false;
};

/// What both kinds of run have in common.
struct Verdict {
  std::uint64_t event_hash = 0;
  std::string violation;
};

template <typename Report>
Result<Verdict> noted(Result<Report> run, sim::Totals& totals) {
  if (!run) return std::unexpected(run.error());
  totals.add(*run);
  return Verdict{run->event_hash, run->violation};
}

Result<Verdict> run_one(const Arguments& arguments, std::uint64_t seed, sim::Totals& totals) {
  if (arguments.stack == "full") {
    return noted(sim::full_stack::run_full_stack({seed, arguments.profile}), totals);
  }
  return noted(sim::run_simulation({.seed = seed, .profile = arguments.profile, .bugs = {}}),
               totals);
}

void print(const nlohmann::ordered_json& summary) {
  for (const auto& [name, value] : summary.items()) {
    if (!value.is_object()) std::printf("%-20s %s\n", name.c_str(), value.dump().c_str());
  }
  for (const char* group : {"outcomes", "faults"}) {
    if (!summary.contains(group)) continue;
    for (const auto& [name, value] : summary[group].items()) {
      std::printf("%-8s %-22s %s\n", group, name.c_str(), value.dump().c_str());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"grey-sim: simulated clusters, from seeds, with every history checked"};
  app.footer(footer);
  Arguments arguments;
  auto* seed = app.add_option("--seed", arguments.first, "the first (or only) seed");
  app.add_option("--seeds", arguments.count, "how many seeds; default 1 with --seed, else 100");
  app.add_option("--stack", arguments.stack, "messages or full")
      ->check(CLI::IsMember({"messages", "full"}))
      ->capture_default_str();
  app.add_option("--profile", arguments.profile, "see below")->capture_default_str();
  app.add_flag("--json", arguments.json, "totals as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }
  if (arguments.count == 0) arguments.count = seed->count() > 0 ? 1 : 100;

  const SystemClock clock;
  const MonotonicTime started = clock.now();
  sim::Totals totals;
  for (std::uint64_t i = 0; i < arguments.count; ++i) {
    const std::uint64_t number = arguments.first + i;
    const auto run = run_one(arguments, number, totals);
    if (!run) {
      std::fprintf(stderr, "grey-sim: %s\n", run.error().message().c_str());
      return 1;
    }
    if (!run->violation.empty()) {
      std::fprintf(stderr, "seed %llu: %s\nreplay: grey-sim --stack %s --profile %s --seed %llu\n",
                   static_cast<unsigned long long>(number), run->violation.c_str(),
                   arguments.stack.c_str(), arguments.profile.c_str(),
                   static_cast<unsigned long long>(number));
    }
    if (arguments.count == 1 && !arguments.json) {
      std::printf("event hash %016llx\n", static_cast<unsigned long long>(run->event_hash));
    }
  }
  const double wall_s = std::chrono::duration<double>(clock.now() - started).count();
  const auto summary = totals.to_json(wall_s);
  if (arguments.json) {
    std::printf("%s\n", summary.dump(2).c_str());
  } else {
    print(summary);
  }
  return totals.violations() == 0 ? 0 : 10;
}
