// What clients notice when one node of three is killed or frozen: throughput before and after, how
// long until it is back to half, the slowest operation, and whether anything failed or was lost.
// Real processes, real disks; a closed loop of puts of new keys; a new cluster for each round, the
// two faults interleaved, another node hit each time; medians and spread.
//
// Exit status 0 only if nothing failed, nothing is unknown or lost, and the median time to half of
// the throughput is at most two seconds for both faults.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <grey/sync_client.h>

#include "apps/dev_cluster/dev_cluster.h"
#include "apps/load/put_load.h"
#include "base/check.h"
#include "base/clock.h"

namespace grey::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration window = milliseconds(250);
constexpr Duration limit = seconds(2);

struct Shape {
  std::string greyd;
  std::string transport = "auto";
  std::size_t outstanding = 50;
  std::size_t value_bytes = 100;
  int rounds = 5;
  int fault_s = 10;
};

enum class Fault { kill, freeze };

struct Figures {
  double before_per_s = 0;
  double during_per_s = 0;  // from two seconds after the fault to its end
  double back_s = 0;        // until half of `before` is reached again
  double slowest_ms = 0;    // of the operations under way at the fault or started during it
  std::uint64_t failed = 0;
  std::uint64_t unknown = 0;
  std::uint64_t lost = 0;
};

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

double rate(const std::vector<MonotonicTime>& ends, MonotonicTime from, MonotonicTime to) {
  const auto first = std::lower_bound(ends.begin(), ends.end(), from);
  const auto last = std::lower_bound(first, ends.end(), to);
  return static_cast<double>(last - first) / in_seconds(to - from);
}

/// The first moment after the fault from which on a whole window has half the throughput.
Duration time_to_half(const std::vector<MonotonicTime>& ends, MonotonicTime fault,
                      MonotonicTime until, double before) {
  for (MonotonicTime at = fault; at + window < until; at += milliseconds(10)) {
    if (rate(ends, at, at + window) >= before / 2) return at - fault;
  }
  return until - fault;
}

Figures evaluate(const std::vector<load::PutSample>& samples, MonotonicTime fault,
                 MonotonicTime until) {
  Figures figures;
  std::vector<MonotonicTime> ends;
  for (const load::PutSample& sample : samples) {
    if (!sample.outcome) ends.push_back(sample.ended);
    if (sample.ended >= fault && sample.started < until) {
      figures.slowest_ms =
          std::max(figures.slowest_ms, in_seconds(sample.ended - sample.started) * 1e3);
    }
  }
  std::sort(ends.begin(), ends.end());
  figures.before_per_s = rate(ends, fault - limit, fault);
  figures.during_per_s = rate(ends, fault + limit, until);
  figures.back_s = in_seconds(time_to_half(ends, fault, until, figures.before_per_s));
  return figures;
}

void must(const Status& status) {
  if (status) return;
  std::fprintf(stderr, "fault_recovery_bench: %s\n", status.error().message().c_str());
  std::exit(9);
}

Figures run_once(const Shape& shape, Fault fault, std::uint32_t victim) {
  std::string directory = std::filesystem::temp_directory_path() / "grey-bench-XXXXXX";
  GREY_CHECK(::mkdtemp(directory.data()) != nullptr);
  Figures figures;
  {
    auto cluster = dev::DevCluster::make(
        {.greyd = shape.greyd, .directory = directory, .transport = shape.transport});
    if (!cluster) must(std::unexpected(cluster.error()));
    must(cluster->start_all());
    Options options;
    for (const auto& node : cluster->nodes()) {
      options.seeds.push_back("127.0.0.1:" + std::to_string(node.port));
    }
    SyncClient client(options);
    const SystemClock clock;
    load::PutLoad load(
        client,
        {.outstanding = shape.outstanding, .value_bytes = shape.value_bytes, .clock = &clock});
    load.start();
    std::this_thread::sleep_for(seconds(4));  // two to warm up, two to measure
    const MonotonicTime struck = clock.now();
    must(fault == Fault::kill ? cluster->kill(victim) : cluster->freeze(victim));
    std::this_thread::sleep_for(seconds(shape.fault_s));
    const MonotonicTime until = clock.now();
    must(fault == Fault::kill ? cluster->start(victim) : cluster->thaw(victim));
    std::this_thread::sleep_for(seconds(2));
    load.stop();
    figures = evaluate(load.samples(), struck, until);
    figures.failed = load.failed();
    figures.unknown = load.unknown();
    figures.lost = load.verify().size();
    for (const std::string& failure : load.failures()) std::printf("  %s\n", failure.c_str());
  }
  std::filesystem::remove_all(directory);
  return figures;
}

struct Spread {
  double median = 0, least = 0, most = 0;
};

Spread spread(const std::vector<Figures>& rounds, double Figures::* member) {
  std::vector<double> values;
  for (const Figures& figures : rounds) values.push_back(figures.*member);
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

bool report(const char* name, const std::vector<Figures>& rounds) {
  const auto row = [](const char* what, Spread s) {
    std::printf("  %-42s %10.2f   (%.2f to %.2f)\n", what, s.median, s.least, s.most);
  };
  std::printf("%s\n", name);
  row("puts/s in the two seconds before", spread(rounds, &Figures::before_per_s));
  row("puts/s from two seconds after to its end", spread(rounds, &Figures::during_per_s));
  row("seconds until half of before is reached", spread(rounds, &Figures::back_s));
  row("slowest put, ms", spread(rounds, &Figures::slowest_ms));
  std::uint64_t failed = 0, unknown = 0, lost = 0;
  for (const Figures& figures : rounds) {
    failed += figures.failed;
    unknown += figures.unknown;
    lost += figures.lost;
  }
  std::printf("  failed %llu, of them unknown %llu; acknowledged and lost %llu\n",
              static_cast<unsigned long long>(failed), static_cast<unsigned long long>(unknown),
              static_cast<unsigned long long>(lost));
  return failed == 0 && lost == 0 && spread(rounds, &Figures::back_s).median <= in_seconds(limit);
}

int run(const Shape& shape) {
  std::vector<Figures> kills, freezes;
  for (int round = 0; round < shape.rounds; ++round) {
    const auto victim = static_cast<std::uint32_t>(round % 3 + 1);
    kills.push_back(run_once(shape, Fault::kill, victim));
    freezes.push_back(run_once(shape, Fault::freeze, victim));
    std::fprintf(stderr, "round %d of %d done\n", round + 1, shape.rounds);
  }
  std::printf("%zu puts of %zu bytes outstanding, faults of %d s, median of %d rounds (range)\n",
              shape.outstanding, shape.value_bytes, shape.fault_s, shape.rounds);
  const bool kill_ok = report("SIGKILL", kills);
  const bool freeze_ok = report("SIGSTOP", freezes);
  return kill_ok && freeze_ok ? 0 : 10;
}

}  // namespace
}  // namespace grey::bench

int main(int argc, char** argv) {
  CLI::App app{"fault_recovery_bench: what clients notice when one node of three fails"};
  grey::bench::Shape shape;
  shape.greyd = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() /
                "apps/greyd/greyd";
  app.add_option("--greyd", shape.greyd, "the node program")->capture_default_str();
  app.add_option("--transport", shape.transport, "auto, io_uring or asio")
      ->envname("GREY_TRANSPORT")
      ->capture_default_str();
  app.add_option("--outstanding", shape.outstanding, "puts under way")->capture_default_str();
  app.add_option("--bytes", shape.value_bytes, "of each value")->capture_default_str();
  app.add_option("--rounds", shape.rounds, "of each fault")->capture_default_str();
  app.add_option("--fault-seconds", shape.fault_s, "how long a node is away")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return grey::bench::run(shape);
}
