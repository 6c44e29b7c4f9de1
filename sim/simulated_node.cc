#include "sim/simulated_node.h"

#include <utility>

#include "base/check.h"

namespace grey::sim {

static storage::MemoryDiskOptions disk_options(const Profile& profile) {
  storage::MemoryDiskOptions options;
  options.sync_latency_min = profile.sync_min;
  options.sync_latency_max = profile.sync_max;
  options.read_latency_min = std::chrono::microseconds(5);
  options.read_latency_max = std::chrono::microseconds(200);
  options.sync_stall_chance = profile.sync_stall_chance;
  options.sync_stall_min = std::chrono::milliseconds(50);
  options.sync_stall_max = std::chrono::milliseconds(1500);
  options.early_visibility_chance = 0.2;
  return options;
}

SimulatedNode::SimulatedNode(NodeId id, transport::sim::World& world, MessageNetwork& network,
                             const cluster::Ring& ring, const Profile& profile,
                             cluster::PlantedBugs bugs, Directory directory, Random random)
    : id_(id),
      world_(world),
      network_(network),
      ring_(ring),
      profile_(profile),
      bugs_(bugs),
      directory_(std::move(directory)),
      random_(random),
      disk_(random_.fork(), disk_options(profile)) {
  disk_.set_sync_hook([this](storage::SyncPoint) {
    if (sync_countdown_ == 0 || --sync_countdown_ > 0) return;
    crash();
    if (const auto then = std::exchange(after_sync_crash_, nullptr)) then();
  });
}

SimulatedNode::~SimulatedNode() {
  node_.reset();
  engine_.reset();
}

void SimulatedNode::boot() {
  GREY_CHECK(!running());
  if (incarnation_ > 0) world_.restart(id_);
  transport::Executor& executor = world_.executor(id_);
  ++incarnation_;
  ready_ = false;
  cluster::StoreNodeOptions options;
  options.coordinator.epoch = ring_.topology().epoch;
  options.coordinator.self = id_;
  options.coordinator.incarnation = incarnation_;
  options.coordinator.use_home = profile_.use_home;
  options.coordinator.step_timeout = profile_.step_timeout;
  options.coordinator.bugs = bugs_;
  options.replica.epoch = ring_.topology().epoch;
  options.replica.cache_bytes_max = profile_.cache_bytes_max;
  options.replica.bugs = bugs_;
  engine_ = std::make_unique<storage::MemoryEngine>(disk_, executor);
  cluster::PeerSender& peers = *this;
  node_ = std::make_unique<cluster::StoreNode>(
      options, ring_, executor, *engine_, peers, random_.fork(),
      [](const Error& error) { GREY_CHECK(error.code == ErrorCode::ok); });
  node_->open([this](Status status) {
    GREY_CHECK(status.has_value());
    ready_ = true;
  });
}

void SimulatedNode::crash() {
  if (!running()) return;
  sync_countdown_ = 0;
  ready_ = false;
  disk_.crash(random_);
  node_.reset();
  engine_.reset();
  world_.crash(id_, transport::sim::PeersSee::reset);
}

void SimulatedNode::crash_at_sync_point(std::uint32_t countdown, std::function<void()> then) {
  sync_countdown_ = countdown;
  after_sync_crash_ = std::move(then);
}

void SimulatedNode::send(NodeId to, const cluster::RequestId& id,
                         const cluster::ReplicaRequest& request) {
  network_.send(
      id_, to,
      [this, to, id, request, incarnation = incarnation_] {
        SimulatedNode* node = directory_(to);
        if (node == nullptr) return;
        node->executor().post([node, from = id_, id, request, incarnation] {
          node->receive(from, id, request, incarnation);
        });
      },
      true);
}

void SimulatedNode::receive(NodeId from, const cluster::RequestId& id,
                            const cluster::ReplicaRequest& request,
                            std::uint64_t sender_incarnation) {
  if (!ready()) return;
  node_->on_peer_request(
      request, [this, from, id, sender_incarnation](const cluster::ReplicaReply& reply) {
        network_.send(
            id_, from,
            [this, from, id, reply, sender_incarnation] {
              SimulatedNode* asker = directory_(from);
              // A reply to an earlier life of the asker is dropped with its connection.
              if (asker == nullptr || asker->incarnation_ != sender_incarnation) return;
              asker->executor().post([asker, from_here = id_, id, reply, sender_incarnation] {
                if (asker->ready() && asker->incarnation_ == sender_incarnation) {
                  asker->node_->on_peer_reply(from_here, id, reply);
                }
              });
            },
            true);
      });
}

// The failure detector of a simulated node is poor on purpose: it knows dead processes, sometimes.
bool SimulatedNode::reachable(NodeId node) const {
  return directory_(node) != nullptr && !world_.is_blocked(id_, node);
}

void SimulatedNode::check_invariants() const {
  if (ready()) node_->check_invariants();
}

}  // namespace grey::sim
