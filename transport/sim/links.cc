// What lies between hosts: delays, partitions, clogs, and the packets they hold.
#include <algorithm>

#include "transport/sim/network.h"

namespace grey::transport::sim {

Network::Link& Network::link(HostId from, HostId to) {
  if (from >= links_.size()) links_.resize(from + 1);
  if (to >= links_[from].size()) links_[from].resize(to + 1);
  return links_[from][to];
}

const NetworkOptions& Network::options(HostId from, HostId to) {
  const Link& l = link(from, to);
  return l.options ? *l.options : world_.options_;
}

void Network::set_link_options(HostId from, HostId to, const NetworkOptions& options) {
  link(from, to).options = std::make_unique<NetworkOptions>(options);
}

Duration Network::sample_latency(HostId from, HostId to) {
  return sample_latency(options(from, to));
}

Duration Network::sample_latency(const NetworkOptions& o) {
  Duration latency = random_.between(o.latency_min, o.latency_max);
  if (o.slow_chance > 0 && random_.chance(o.slow_chance)) {
    ++world_.faults_.slow_packets;
    latency += random_.between(Duration(0), o.latency_slow_max);
  }
  if (o.loss_chance > 0 && random_.chance(o.loss_chance)) {
    ++world_.faults_.losses;
    latency += o.retransmit_delay;
  }
  return latency;
}

void Network::send_packet(Connection& c, unsigned to_side, EventKind kind, std::size_t size,
                          std::uint32_t buffer, bool ordered) {
  End& from = c.ends[1 - to_side];
  const HostId to = c.ends[to_side].host;
  const NetworkOptions& o = options(from.host, to);
  MonotonicTime at = world_.now_;
  if (kind == EventKind::data && o.bandwidth_bytes_per_s > 0) {
    MonotonicTime& wire_free_at = link(from.host, to).wire_free_at;
    wire_free_at =
        std::max(wire_free_at, at) + Duration(size * std::nano::den / o.bandwidth_bytes_per_s);
    at = wire_free_at;
  }
  at += sample_latency(o);
  if (ordered) {
    at = std::max(at, from.last_arrival);
    from.last_arrival = at;
  }
  Event event;
  event.kind = kind;
  event.side = static_cast<std::uint8_t>(to_side);
  event.host = to;
  event.from = from.host;
  event.size = static_cast<std::uint32_t>(size);
  event.buffer = buffer;
  event.connection = c.id;
  world_.push(at, std::move(event));
}

void Network::packet(Event event) {
  if (Link& l = link(event.from, event.host); l.holding) return hold(l.held, std::move(event));
  const bool wants_answer = event.kind != EventKind::ack && event.kind != EventKind::rst;
  if (!world_.host(event.host).kernel_up) {
    if (wants_answer) hold(held_at_[event.host], std::move(event));
    return;
  }
  if (Connection* c = find(event.connection)) {
    arrive(*c, event);
  } else if (event.kind == EventKind::data) {
    give_buffer(event.buffer);
  }
}

namespace {

// The end that misses an answer while the packet is held: for an acknowledgement, its addressee.
unsigned waiting_side(const Event& event) {
  return event.kind == EventKind::ack ? event.side : 1 - event.side;
}

}  // namespace

void Network::hold(std::vector<Event>& held, Event event) {
  ++world_.faults_.packets_held;
  if (Connection* c = find(event.connection)) {
    End& e = c->ends[waiting_side(event)];
    ++e.held;
    const Duration timeout = options(event.from, event.host).unreachable_timeout;
    if (e.watchdog == 0 && timeout > Duration(0)) {
      Event alarm;
      alarm.kind = EventKind::watchdog;
      alarm.side = static_cast<std::uint8_t>(waiting_side(event));
      alarm.host = e.host;
      alarm.connection = c->id;
      e.watchdog = world_.push(world_.now_ + timeout, std::move(alarm));
    }
  }
  held.push_back(std::move(event));
}

void Network::release(std::vector<Event> held) {
  for (Event& event : held) {
    if (Connection* c = find(event.connection)) {
      End& e = c->ends[waiting_side(event)];
      if (--e.held == 0) world_.events_.remove(std::exchange(e.watchdog, 0));
    }
    packet(std::move(event));
  }
}

void Network::watchdog(Connection& c, unsigned side) {
  End& e = c.ends[side];
  e.watchdog = 0;
  if (!e.open || e.connecting()) return;  // an attempt has its own deadline
  ++world_.faults_.unreachable_timeouts;
  end_socket(c, side, Error{ErrorCode::transport_io, "connection timed out: no answer"});
  service(c.id, side);
}

void Network::block(HostId from, HostId to) {
  Link& l = link(from, to);
  if (l.blocked) return;
  ++world_.faults_.partitions;
  l.blocked = l.holding = true;
}

void Network::unblock(HostId from, HostId to) {
  Link& l = link(from, to);
  if (!l.blocked) return;
  l.blocked = false;
  // Senders have backed off: what was held comes with their next retransmission.
  Event event;
  event.kind = EventKind::link_open;
  event.from = from;
  event.host = to;
  const Duration delay = random_.between(Duration(0), options(from, to).retransmit_delay);
  world_.push(world_.now_ + delay, std::move(event));
}

void Network::clog(HostId from, HostId to, Duration duration) {
  ++world_.faults_.clogs;
  Link& l = link(from, to);
  l.holding = true;
  l.clogged_until = std::max(l.clogged_until, world_.now_ + duration);
  Event event;
  event.kind = EventKind::link_open;
  event.from = from;
  event.host = to;
  world_.push(l.clogged_until, std::move(event));
}

void Network::open_link(HostId from, HostId to) {
  if (from == 0) return release(std::exchange(held_at_[to], {}));  // a host has come up
  Link& l = link(from, to);
  if (l.blocked || world_.now_ < l.clogged_until) return;
  l.holding = false;
  release(std::exchange(l.held, {}));
}

bool Network::is_blocked(HostId from, HostId to) const {
  return from < links_.size() && to < links_[from].size() && links_[from][to].blocked;
}

void Network::heal() {
  for (HostId from = 0; from < links_.size(); ++from) {
    for (HostId to = 0; to < links_[from].size(); ++to) unblock(from, to);
  }
}

void Network::host_is_up(HostId host) {
  if (!held_at_.contains(host)) return;
  Event event;
  event.kind = EventKind::link_open;
  event.host = host;
  world_.push(world_.now_, std::move(event));
}

}  // namespace grey::transport::sim
