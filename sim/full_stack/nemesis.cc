#include "sim/full_stack/nemesis.h"

#include "sim/full_stack/client_process.h"

namespace grey::sim::full_stack {

using std::chrono::milliseconds;
using std::chrono::seconds;
using transport::sim::PeersSee;

namespace {
// How long the node of a single fault is gone.
constexpr Duration away = seconds(10);
}  // namespace

Nemesis::Nemesis(transport::sim::World& world, std::vector<std::unique_ptr<NodeProcess>>& nodes,
                 const FullProfile& profile, Random random)
    : world_(world), nodes_(nodes), profile_(profile), random_(random) {}

void Nemesis::start() {
  active_ = true;
  for (const auto& node : nodes_) {
    // greyd ends itself when an fsync fails; someone replaces the disk's cable and starts it again.
    node->on_failure([this, &process = *node](const Error&) {
      process.disk().options().sync_failure_chance = 0;
      boot_later(process, some_time());
    });
  }
  if (profile_.single_fault != FullProfile::SingleFault::none) {
    later(random_.between(Duration(seconds(3)), Duration(seconds(5))), [this] { strike_once(); });
  }
  if (profile_.fault_interval_max > Duration(0)) schedule_next();
}

void Nemesis::later(Duration delay, std::function<void()> what) {
  world_.schedule_at(world_.now() + delay, std::move(what));
}

void Nemesis::schedule_next() {
  later(random_.between(Duration(1), profile_.fault_interval_max), [this] {
    if (!active_) return;
    strike();
    schedule_next();
  });
}

void Nemesis::strike() {
  const Strike strikes[] = {{profile_.crash_weight, &Nemesis::kill},
                            {profile_.machine_weight, &Nemesis::lose_machine},
                            {profile_.sync_crash_weight, &Nemesis::kill_at_sync_point},
                            {profile_.pause_weight, &Nemesis::pause},
                            {profile_.drain_weight, &Nemesis::drain},
                            {profile_.partition_weight, &Nemesis::partition},
                            {profile_.one_way_weight, &Nemesis::cut_one_way},
                            {profile_.reset_weight, &Nemesis::reset_connections},
                            {profile_.clog_weight, &Nemesis::clog},
                            {profile_.slow_disk_weight, &Nemesis::slow_disk},
                            {profile_.sync_failure_weight, &Nemesis::fail_sync}};
  NodeProcess& node = *nodes_[random_.below(nodes_.size())];
  double total = 0;
  for (const Strike& strike : strikes) total += strike.weight;
  double lot = random_.unit() * total;
  for (const Strike& strike : strikes) {
    if ((lot -= strike.weight) >= 0) continue;
    if (node.running()) (this->*strike.run)(node);
    return;
  }
}

void Nemesis::strike_once() {
  NodeProcess& node = *nodes_[random_.below(nodes_.size())];
  struck_at_ = world_.now();
  switch (profile_.single_fault) {
    case FullProfile::SingleFault::none:
      break;
    case FullProfile::SingleFault::kill:
      ++counters_.kills;
      node.kill();
      boot_later(node, away);
      break;
    case FullProfile::SingleFault::vanish:
      ++counters_.machine_losses;
      node.kill(PeersSee::silence);
      boot_later(node, away);
      break;
    case FullProfile::SingleFault::freeze:
      freeze(node, away);
      break;
    case FullProfile::SingleFault::drain:
      ++counters_.drains;
      node.terminate(seconds(10), [this, &node] { boot_later(node, away); });
      break;
    case FullProfile::SingleFault::cut:
      cut_off(node, 1, away);
      break;
  }
}

void Nemesis::kill(NodeProcess& node) {
  ++counters_.kills;
  node.kill(random_.chance(0.5) ? PeersSee::reset : PeersSee::end);
  boot_later(node, some_time());
}

void Nemesis::lose_machine(NodeProcess& node) {
  ++counters_.machine_losses;
  node.kill(PeersSee::silence);
  boot_later(node, some_time());
}

void Nemesis::kill_at_sync_point(NodeProcess& node) {
  node.kill_at_sync_point(static_cast<std::uint32_t>(random_.between(1, 6)), [this, &node] {
    ++counters_.sync_point_kills;
    boot_later(node, some_time());
  });
}

void Nemesis::pause(NodeProcess& node) { freeze(node, some_time()); }

void Nemesis::freeze(NodeProcess& node, Duration duration) {
  ++counters_.pauses;
  node.pause();
  later(duration, [&node, incarnation = node.incarnation()] {
    if (node.running() && node.incarnation() == incarnation) node.resume();
  });
}

void Nemesis::drain(NodeProcess& node) {
  if (!node.serving()) return;
  ++counters_.drains;
  node.resume();
  node.terminate(seconds(10), [this, &node] { boot_later(node, some_time()); });
}

void Nemesis::partition(NodeProcess& node) { cut_off(node, 0.3, some_time()); }

// From the other nodes, and from each client with that probability.
void Nemesis::cut_off(NodeProcess& node, double client_chance, Duration duration) {
  ++counters_.partitions;
  std::vector<HostId> others;
  for (const auto& other : nodes_) {
    if (other->id() != node.id()) others.push_back(other->id());
  }
  for (std::uint32_t client = 0; client < profile_.workload.clients; ++client) {
    if (random_.chance(client_chance)) others.push_back(client_host(client));
  }
  world_.partition({node.id()}, others);
  later(duration, [this, id = node.id(), others] {
    for (const HostId other : others) {
      world_.unblock(id, other);
      world_.unblock(other, id);
    }
  });
}

void Nemesis::cut_one_way(NodeProcess& node) {
  ++counters_.one_way_partitions;
  HostId from = node.id();
  HostId to = other_host(node);
  if (random_.chance(0.5)) std::swap(from, to);
  world_.block(from, to);
  later(some_time(), [this, from, to] { world_.unblock(from, to); });
}

void Nemesis::reset_connections(NodeProcess& node) {
  ++counters_.resets;
  world_.reset_connections(node.id(), other_host(node));
}

void Nemesis::clog(NodeProcess& node) {
  ++counters_.clogs;
  HostId from = node.id();
  HostId to = other_host(node);
  if (random_.chance(0.5)) std::swap(from, to);
  world_.clog(from, to, some_time());
}

void Nemesis::slow_disk(NodeProcess& node) {
  ++counters_.slow_disks;
  storage::MemoryDiskOptions& disk = node.disk().options();
  const Duration slow = random_.between(Duration(milliseconds(20)), Duration(seconds(2)));
  disk.sync_latency_max = slow;
  disk.read_latency_max = slow / 10;
  later(some_time(), [this, &disk] {
    disk.sync_latency_max = profile_.disk.sync_latency_max;
    disk.read_latency_max = profile_.disk.read_latency_max;
  });
}

void Nemesis::fail_sync(NodeProcess& node) {
  ++counters_.sync_failures;
  node.disk().options().sync_failure_chance = 1;
}

Nemesis::HostId Nemesis::other_host(const NodeProcess& node) {
  const std::uint64_t others = nodes_.size() - 1;
  const std::uint64_t lot = random_.below(others + profile_.workload.clients);
  if (lot >= others) return client_host(static_cast<std::uint32_t>(lot - others));
  return static_cast<HostId>((node.id() + lot) % nodes_.size() + 1);
}

void Nemesis::boot_later(NodeProcess& node, Duration delay) {
  later(active_ ? delay : Duration(0), [&node] {
    if (!node.running()) node.boot();
  });
}

void Nemesis::stop_and_heal() {
  active_ = false;
  world_.heal();
  for (const auto& node : nodes_) {
    node->kill_at_sync_point(0, nullptr);
    node->disk().options() = profile_.disk;
    node->disk().options().sync_stall_chance = 0;
    if (node->running()) {
      node->resume();
    } else {
      node->boot();
    }
  }
}

}  // namespace grey::sim::full_stack
