#include "cluster/node/testing/node_process.h"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "base/check.h"
#include "transport/sim/sim_transport.h"

namespace grey::cluster::testing {

using transport::sim::PeersSee;

Topology simulated_topology(std::size_t nodes, std::string cluster_id) {
  Topology topology;
  topology.cluster_id = std::move(cluster_id);
  topology.virtual_nodes = 8;  // every range behaves alike; few make changes of homes frequent
  for (std::size_t i = 1; i <= nodes; ++i) {
    const auto id = static_cast<NodeId>(i);
    topology.nodes.push_back(
        {id, transport::sim::host_name(id) + ":" + std::to_string(node_port), "", ""});
  }
  return topology;
}

NodeConfig simulated_config(NodeId node, Topology topology) {
  NodeConfig config;
  config.node = node;
  config.listen = "0.0.0.0:" + std::to_string(node_port);
  config.topology = std::move(topology);
  return config;
}

NodeProcess::NodeProcess(transport::sim::World& world, NodeConfig config, Random random,
                         storage::MemoryDiskOptions disk)
    : world_(world),
      config_(std::move(config)),
      random_(random),
      disk_(random_.fork(), disk),
      log_(std::make_unique<spdlog::logger>("simulated",
                                            std::make_shared<spdlog::sinks::null_sink_st>())) {
  log_->set_level(spdlog::level::off);
  disk_.set_sync_hook([this](storage::SyncPoint) {
    if (sync_countdown_ == 0 || --sync_countdown_ > 0) return;
    kill();
    if (const auto then = std::exchange(after_sync_kill_, nullptr)) then();
  });
}

NodeProcess::~NodeProcess() {
  node_.reset();
  engine_.reset();
}

void NodeProcess::boot() {
  GREY_CHECK(!running());
  if (incarnation_ > 0) world_.restart(id());
  ++incarnation_;
  serving_ = terminating_ = false;
  transport::sim::SimTransport& transport = world_.transport(id());
  engine_ = std::make_unique<storage::MemoryEngine>(disk_, transport);
  auto ring = Ring::make(config_.topology);
  GREY_CHECK(ring.has_value());
  auto bytes = std::make_shared<Random>(random_.fork());
  NodeEnvironment environment{.transport = transport,
                              .engine = *engine_,
                              .log = *log_,
                              .random_bytes =
                                  [bytes] {
                                    std::array<char, 32> out;
                                    for (char& c : out) c = static_cast<char>(bytes->next());
                                    return out;
                                  },
                              .seed = random_.next(),
                              .incarnation = incarnation_,
                              .transport_reason = "simulated",
                              .server_version = "simulated"};
  node_ = std::make_unique<Node>(config_, *std::move(ring), std::move(environment),
                                 [this](Error error) { fail_soon(std::move(error)); });
  node_->start([this](const Status& started) {
    if (!started) return fail_soon(started.error());
    serving_ = true;
  });
}

void NodeProcess::kill(PeersSee peers_see) {
  if (!running()) return;
  sync_countdown_ = 0;
  serving_ = terminating_ = false;
  disk_.crash(random_);
  world_.crash(id(), peers_see);
  // Their transport is dead: nothing that they do on the way out reaches anyone.
  node_.reset();
  engine_.reset();
}

void NodeProcess::kill_at_sync_point(std::uint32_t countdown, std::function<void()> then) {
  sync_countdown_ = countdown;
  after_sync_kill_ = std::move(then);
}

void NodeProcess::terminate(Duration grace, std::function<void()> then) {
  if (!running() || terminating_) return;
  terminating_ = true;
  node_->stop(world_.now() + grace, [this, incarnation = incarnation_, then = std::move(then)] {
    // As greyd does it: the loop ends, then everything is destroyed.
    world_.schedule_at(world_.now(), [this, incarnation, then] {
      if (!running() || incarnation_ != incarnation) return;
      end_in_good_order();
      if (then) then();
    });
  });
}

void NodeProcess::end_in_good_order() {
  sync_countdown_ = 0;
  serving_ = terminating_ = false;
  node_.reset();
  engine_.reset();
  world_.crash(id(), PeersSee::end);
}

void NodeProcess::fail_soon(Error error) {
  world_.schedule_at(world_.now(), [this, incarnation = incarnation_, error = std::move(error)] {
    if (!running() || incarnation_ != incarnation) return;
    kill();
    if (on_failure_) on_failure_(error);
  });
}

void NodeProcess::check_invariants() const {
  if (serving()) node_->store().check_invariants();
}

}  // namespace grey::cluster::testing
