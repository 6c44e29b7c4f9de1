#include "sim/full_stack/run.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "protocol/node_status.h"
#include "sim/full_stack/client_process.h"
#include "sim/linearizability.h"

namespace grey::sim::full_stack {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

// The library's timers are exact; what is under way when one fires may take a moment to end.
constexpr Duration overrun_max = milliseconds(50);

// More events than ever happen at one instant, unless timers that are due make timers that are due.
constexpr std::uint64_t steps_at_once_max = 100'000;

class Run {
 public:
  Run(const FullRunOptions& options, FullProfile profile, Random random)
      : profile_(std::move(profile)),
        random_(random),
        world_(random_.next(), profile_.network),
        topology_(cluster::testing::simulated_topology(profile_.workload.nodes)),
        nemesis_(world_, nodes_, profile_, random_.fork()) {
    report_.seed = options.seed;
    report_.profile = profile_.workload.kind;
    for (const cluster::TopologyNode& node : topology_.nodes) {
      nodes_.push_back(std::make_unique<NodeProcess>(
          world_, cluster::testing::simulated_config(node.id, topology_), random_.fork(),
          profile_.disk));
    }
    if (!profile_.workload.written_once) knowledge_.last_seen.resize(profile_.workload.keys);
    for (std::uint32_t i = 0; i < profile_.workload.clients; ++i) {
      processes_.push_back(std::make_unique<ClientProcess>(i, world_, topology_, profile_, records_,
                                                           random_.fork()));
      clients_.push_back(std::make_unique<Client>(i, world_, profile_.workload, *processes_.back(),
                                                  knowledge_, report_.history, report_.workload,
                                                  random_.fork()));
    }
  }

  FullRunReport run() {
    const MonotonicTime started = world_.now();
    for (auto& node : nodes_) node->boot();
    nemesis_.start();
    run_clients(profile_.workload.operations);
    check_during_faults();
    nemesis_.stop_and_heal();
    quieten_network();
    settle();
    check_nodes();
    check_clients_after_faults();
    check_nothing_left_over();
    if (report_.violation.empty()) report_.violation = check_linearizability(report_.history);
    finish_report(started);
    return std::move(report_);
  }

 private:
  void violated(std::string what) {
    if (report_.violation.empty()) report_.violation = std::move(what);
  }

  void run_clients(std::size_t operations) {
    std::size_t budget = operations;
    for (auto& client : clients_) client->run(&budget);
    drive(minutes(60));
  }

  bool clients_idle() const {
    for (const auto& client : clients_) {
      if (!client->idle()) return false;
    }
    return true;
  }

  void drive(Duration limit) {
    const MonotonicTime end = world_.now() + limit;
    std::uint64_t steps = 0;
    MonotonicTime then = world_.now();
    while (!clients_idle()) {
      if (world_.now() >= end || !world_.step()) return violated("an operation did not end");
      if (steps % steps_at_once_max == 0 && std::exchange(then, world_.now()) == world_.now() &&
          steps > 0) {
        return violated("time stands still");
      }
      if (++steps % 64 == 0) {
        for (const auto& node : nodes_) node->check_invariants();
      }
    }
  }

  // A node that is draining when the faults end still has to stop before it starts again.
  void settle() {
    const auto all_serve = [this] {
      return std::ranges::all_of(
          nodes_, [](const auto& node) { return node->serving() && !node->terminating(); });
    };
    if (!world_.run_until(all_serve, seconds(30))) violated("a node does not come back");
    world_.run_for(profile_.fault_duration_max + seconds(5));  // clogs end by themselves
  }

  void quieten_network() {
    transport::sim::NetworkOptions quiet = profile_.network;
    quiet.bit_flip_chance = 0;
    quiet.reset_chance = 0;
    quiet.slow_chance = 0;
    quiet.loss_chance = 0;
    world_.set_network_options(quiet);
  }

  void check_during_faults() {
    if (records_.latest > overrun_max) {
      violated("an operation ran " + std::to_string(records_.latest / milliseconds(1)) +
               " ms beyond its deadline");
    }
    if (profile_.single_fault == FullProfile::SingleFault::none) return;
    // Who writes what others write too may have to leave it unknown.
    const std::uint64_t unknown = profile_.workload.written_once ? report_.workload.unknown : 0;
    if (report_.workload.not_applied + unknown > 0) {
      violated("with one node away " + std::to_string(report_.workload.not_applied) +
               " operations failed and " + std::to_string(unknown) +
               " were left unknown; the last: " + records_.last_error);
    }
    check_throughput();
  }

  std::size_t completed_between(MonotonicTime from, MonotonicTime to) const {
    std::size_t count = 0;
    for (const HistoryEvent& event : report_.history) {
      if (event.returned >= from && event.returned < to) ++count;
    }
    return count;
  }

  // Back to half of what it was, within two seconds of the fault and for as long as it lasts.
  void check_throughput() {
    const MonotonicTime fault = nemesis_.struck_at();
    if (fault == never || fault + seconds(10) > world_.now()) {
      return violated("the run was over before the fault was");
    }
    const double before = static_cast<double>(completed_between(fault - seconds(2), fault)) / 2;
    for (int second = 2; second < 10; ++second) {
      const MonotonicTime from = fault + seconds(second);
      const std::size_t done = completed_between(from, from + seconds(1));
      if (static_cast<double>(done) < before / 2) {
        violated("throughput: " + std::to_string(done) + " operations in second " +
                 std::to_string(second) + " of the fault, " + std::to_string(before) +
                 " a second before it");
      }
    }
  }

  // Every key through every node, over a connection to that node alone.
  void check_nodes() {
    const std::size_t keys = knowledge_.last_seen.size();
    for (std::uint32_t key = 0; key < keys && report_.violation.empty(); ++key) {
      for (const auto& node : nodes_) {
        Client& reader = *clients_[node->id() % clients_.size()];
        reader.read_once(key, node->id(), seconds(20));
        const std::size_t event = report_.history.size() - 1;
        drive(minutes(1));
        if (report_.history[event].outcome == EventOutcome::applied) continue;
        return violated("key " + std::to_string(key) + " cannot be read through node " +
                        std::to_string(node->id()) +
                        " although all faults are over: " + records_.last_error);
      }
    }
    for (auto& process : processes_) process->close_direct_links();
  }

  void check_clients_after_faults() {
    // Competing writers may leave a write unknown even then; nothing else may go wrong.
    const std::uint64_t failed = report_.workload.not_applied;
    run_clients(4 * clients_.size());
    if (report_.workload.not_applied > failed) {
      violated("an operation failed although all faults are over: " + records_.last_error);
    }
    if (!records_.damage.empty()) violated(records_.damage);
  }

  // Nobody asks for anything any more: what is still held somewhere will be held for ever.
  void check_nothing_left_over() {
    world_.run_for(seconds(30));  // connections whose other end has vanished have been noticed
    for (const auto& process : nodes_) {
      const protocol::NodeStatus status = process->node().status();
      const std::string who = "node " + std::to_string(process->id());
      if (process->node().store().coordinator().in_flight() > 0) {
        violated(who + " still has operations under way");
      }
      const std::size_t expected = nodes_.size() - 1 + clients_.size();
      if (figure(status.counters, "connections") != expected) {
        violated(who + " has " + std::to_string(figure(status.counters, "connections")) +
                 " connections instead of " + std::to_string(expected));
      }
      for (const protocol::PeerStatus& peer : status.peers) {
        if (peer.state != "up") violated(who + " does not reach its peer: " + peer.last_error);
        if (figure(peer.figures, "calls_outstanding") > 0) {
          violated(who + " still waits for answers of a peer");
        }
      }
    }
  }

  static std::uint64_t figure(const protocol::NamedFigures& figures, std::string_view name) {
    for (const auto& [key, value] : figures) {
      if (key == name) return value;
    }
    GREY_CHECK(false);
  }

  void finish_report(MonotonicTime started) {
    report_.operations = report_.history.size();
    report_.slowest = records_.slowest;
    report_.codes = records_.codes;
    report_.nemesis = nemesis_.counters();
    report_.network = world_.faults();
    report_.events = world_.event_count();
    report_.simulated = world_.now() - started;
    for (const auto& node : nodes_) report_.lost_batches += node->disk().counters().lost_batches;
    report_.event_hash = hash_of(report_.history, world_.hash());
  }

  FullProfile profile_;
  Random random_;
  FullRunReport report_;
  SharedKnowledge knowledge_;
  ClientRecords records_;
  transport::sim::World world_;
  cluster::Topology topology_;
  std::vector<std::unique_ptr<NodeProcess>> nodes_;
  std::vector<std::unique_ptr<ClientProcess>> processes_;
  std::vector<std::unique_ptr<Client>> clients_;
  Nemesis nemesis_;
};

}  // namespace

Result<FullRunReport> run_full_stack(const FullRunOptions& options) {
  Random random(options.seed);
  auto profile = FullProfile::draw(options.profile, random);
  if (!profile) {
    return fail(ErrorCode::usage,
                "unknown profile '" + options.profile +
                    "'; of the full stack there are calm, hostile, contention, and failover- with "
                    "kill, vanish, freeze, drain or cut");
  }
  return Run(options, *std::move(profile), random).run();
}

}  // namespace grey::sim::full_stack
