#include "sim/nemesis.h"

namespace grey::sim {

void Nemesis::start() {
  if (profile_.fault_interval_max == Duration(0)) return;
  active_ = true;
  schedule_next();
}

void Nemesis::schedule_next() {
  world_.schedule_at(world_.now() + random_.between(Duration(1), profile_.fault_interval_max),
                     [this] {
                       if (!active_) return;
                       strike();
                       schedule_next();
                     });
}

void Nemesis::strike() {
  SimulatedNode& node = *nodes_[random_.below(nodes_.size())];
  const NodeId other = nodes_[random_.below(nodes_.size())]->id();
  const double total = profile_.crash_weight + profile_.sync_crash_weight + profile_.pause_weight +
                       profile_.partition_weight + profile_.one_way_weight;
  double lot = random_.unit() * total;
  if ((lot -= profile_.crash_weight) < 0) {
    if (!node.running()) return;
    ++counters_.crashes;
    node.resume();
    node.crash();
    restart_later(node);
  } else if ((lot -= profile_.sync_crash_weight) < 0) {
    if (!node.running()) return;
    node.crash_at_sync_point(static_cast<std::uint32_t>(random_.between(1, 6)), [this, &node] {
      ++counters_.sync_point_crashes;
      restart_later(node);
    });
  } else if ((lot -= profile_.pause_weight) < 0) {
    if (!node.running()) return;
    ++counters_.pauses;
    node.pause();
    world_.schedule_at(world_.now() + some_time(), [&node] {
      if (node.running()) node.resume();
    });
  } else if ((lot -= profile_.partition_weight) < 0) {
    ++counters_.partitions;
    for (const auto& peer : nodes_) {
      if (peer->id() == node.id()) continue;
      world_.block(node.id(), peer->id());
      world_.block(peer->id(), node.id());
    }
    world_.schedule_at(world_.now() + some_time(), [this] { world_.heal(); });
  } else if (other != node.id()) {
    ++counters_.one_way_partitions;
    world_.block(node.id(), other);
    world_.schedule_at(world_.now() + some_time(),
                       [this, from = node.id(), other] { world_.unblock(from, other); });
  }
}

void Nemesis::restart_later(SimulatedNode& node) {
  world_.schedule_at(world_.now() + some_time(), [&node] {
    if (!node.running()) node.boot();
  });
}

void Nemesis::stop_and_heal() {
  active_ = false;
  world_.heal();
  for (const auto& node : nodes_) {
    node->crash_at_sync_point(0, nullptr);
    if (node->running()) {
      node->resume();
    } else {
      node->boot();
    }
  }
}

}  // namespace grey::sim
