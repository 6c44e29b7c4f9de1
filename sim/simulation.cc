#include "sim/simulation.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "cluster/ring/ring.h"
#include "sim/linearizability.h"
#include "sim/message_runner.h"
#include "transport/sim/world.h"

namespace grey::sim {

namespace {

cluster::Ring make_ring(std::size_t nodes) {
  cluster::Topology topology;
  topology.cluster_id = "simulated";
  topology.virtual_nodes = 8;  // every range behaves alike; few make home changes frequent
  for (std::size_t i = 1; i <= nodes; ++i) {
    const auto id = static_cast<NodeId>(i);
    topology.nodes.push_back({id, "10.0.0." + std::to_string(i) + ":7000", "", ""});
  }
  auto ring = cluster::Ring::make(std::move(topology));
  GREY_CHECK(ring.has_value());
  return *std::move(ring);
}

class Run {
 public:
  Run(const RunOptions& options, Profile profile, Random random)
      : options_(options),
        profile_(std::move(profile)),
        random_(random),
        world_(random_.next()),
        network_(world_, profile_.messages, random_.fork()),
        ring_(make_ring(profile_.nodes)),
        nemesis_(world_, nodes_, profile_, random_.fork()) {
    const auto directory = [this](NodeId id) -> SimulatedNode* {
      SimulatedNode& node = *nodes_[id - 1];
      return node.running() ? &node : nullptr;
    };
    for (std::size_t i = 1; i <= profile_.nodes; ++i) {
      nodes_.push_back(std::make_unique<SimulatedNode>(static_cast<NodeId>(i), world_, network_,
                                                       ring_, profile_, options_.bugs, directory,
                                                       random_.fork()));
    }
    knowledge_.last_seen.resize(profile_.keys);
    ballots_.home.resize(profile_.keys);
    for (std::uint32_t i = 0; i < profile_.clients; ++i) {
      runners_.push_back(std::make_unique<MessageRunner>(i, world_, network_, ring_, profile_,
                                                         directory, ballots_, report_.workload,
                                                         random_.fork()));
      clients_.push_back(std::make_unique<Client>(i, world_, profile_, *runners_.back(), knowledge_,
                                                  report_.history, report_.workload,
                                                  random_.fork()));
    }
  }

  RunReport run() {
    report_.seed = options_.seed;
    report_.profile = profile_.kind;
    started_ = world_.now();
    for (auto& node : nodes_) node->boot();
    nemesis_.start();
    std::size_t budget = profile_.operations;
    for (auto& client : clients_) client->run(&budget);
    drive(std::chrono::minutes(60));
    if (report_.violation.empty()) check_liveness();
    if (report_.violation.empty())
      report_.violation = check_linearizability(report_.history, options_.checker);
    finish_report();
    return std::move(report_);
  }

 private:
  bool clients_idle() const {
    for (const auto& client : clients_) {
      if (!client->idle()) return false;
    }
    return true;
  }

  void drive(Duration limit) {
    const MonotonicTime end = world_.now() + limit;
    std::uint64_t steps = 0;
    while (!clients_idle()) {
      if (world_.now() >= end || !world_.step()) {
        report_.violation = "the clients did not come to an end";
        return;
      }
      if (++steps % 16 == 0) {
        for (const auto& node : nodes_) node->check_invariants();
      }
    }
  }

  // Safety first, then the faults stop: now every key must be readable through every node.
  void check_liveness() {
    nemesis_.stop_and_heal();
    MessageManners quiet = profile_.messages;
    quiet.loss_chance = 0;
    quiet.slow_chance = 0;
    network_.set_manners(quiet);
    world_.run_for(std::chrono::seconds(5));
    for (std::uint32_t key = 0; key < profile_.keys; ++key) {
      for (const auto& node : nodes_) {
        clients_[0]->read_once(key, node->id(), std::chrono::seconds(20));
        drive(std::chrono::minutes(1));
        if (report_.history.back().outcome != EventOutcome::applied) {
          report_.violation = "key " + std::to_string(key) + " cannot be read through node " +
                              std::to_string(node->id()) + " although all faults are over";
          return;
        }
      }
    }
  }

  void finish_report() {
    report_.operations = report_.history.size();
    report_.nemesis = nemesis_.counters();
    report_.messages = network_.counters();
    report_.events = world_.event_count();
    report_.simulated = world_.now() - started_;
    for (const auto& node : nodes_) {
      report_.sync_points += node->disk().counters().sync_points;
      report_.lost_batches += node->disk().counters().lost_batches;
    }
    report_.event_hash = hash_of(report_.history, world_.hash());
  }

  const RunOptions& options_;
  Profile profile_;
  Random random_;
  RunReport report_;
  SharedKnowledge knowledge_;
  SharedBallots ballots_;
  transport::sim::World world_;
  MonotonicTime started_{};
  MessageNetwork network_;
  cluster::Ring ring_;
  std::vector<std::unique_ptr<SimulatedNode>> nodes_;
  std::vector<std::unique_ptr<MessageRunner>> runners_;
  std::vector<std::unique_ptr<Client>> clients_;
  Nemesis nemesis_;
};

}  // namespace

Result<RunReport> run_simulation(const RunOptions& options) {
  Random random(options.seed);
  auto profile = Profile::draw(options.profile, random);
  if (!profile) {
    return fail(ErrorCode::usage, "unknown profile '" + options.profile +
                                      "'; there are calm, hostile and contention");
  }
  return Run(options, *std::move(profile), random).run();
}

}  // namespace grey::sim
