// Connections as the kernels at both edges see them: set-up, arriving packets, crashes.
#include "transport/sim/network.h"

#include <algorithm>

#include "base/check.h"
#include "transport/sim/sim_stream.h"

namespace grey::transport::sim {
namespace {

constexpr std::uint16_t port_first = 32768;
constexpr std::uint32_t port_count = 28000;

}  // namespace

Connection* Network::find(ConnectionId id) {
  const std::size_t index = static_cast<std::uint32_t>(id) - 1;
  if (index >= connections_.size()) return nullptr;
  Connection* c = connections_[index].get();
  return c->used && c->id == id ? c : nullptr;
}

Connection& Network::create() {
  if (free_connections_.empty()) {
    connections_.push_back(std::make_unique<Connection>());
    connections_.back()->id = connections_.size();
    free_connections_.push_back(static_cast<std::uint32_t>(connections_.size() - 1));
  }
  Connection& c = *connections_[free_connections_.back()];
  free_connections_.pop_back();
  c.used = true;
  return c;
}

void Network::free_if_unused(Connection& c) {
  if (!c.used || c.ends[0].in_use() || c.ends[1].in_use()) return;
  for (End& e : c.ends) {
    world_.events_.remove(e.watchdog);
    world_.events_.remove(e.deadline);
    e = End{};
  }
  c.listener = 0;
  c.used = false;
  c.id += std::uint64_t{1} << 32;
  free_connections_.push_back(static_cast<std::uint32_t>(c.id) - 1);
}

std::uint32_t Network::take_buffer() {
  if (free_buffers_.empty()) {
    buffers_.emplace_back();
    return static_cast<std::uint32_t>(buffers_.size() - 1);
  }
  const std::uint32_t index = free_buffers_.back();
  free_buffers_.pop_back();
  return index;
}

void Network::give_buffer(std::uint32_t index) {
  buffers_[index].clear();
  free_buffers_.push_back(index);
}

std::uint16_t Network::free_port(HostId host) {
  for (;;) {
    const auto port = static_cast<std::uint16_t>(port_first + next_port_++ % port_count);
    if (!listeners_.contains({host, port})) return port;
  }
}

Result<std::unique_ptr<Listener>> Network::listen(SimTransport& loop, const Endpoint& endpoint,
                                                  AcceptCallback on_accept) {
  const HostId host = loop.host();
  if (endpoint.host != host_name(host) && endpoint.host != "0.0.0.0") {
    return fail(ErrorCode::address_invalid,
                endpoint.to_string() + " is not an address of " + host_name(host));
  }
  const std::uint16_t port = endpoint.port != 0 ? endpoint.port : free_port(host);
  const std::uint64_t id = next_listener_++;
  ListenerState state{id, &loop, std::make_shared<AcceptCallback>(std::move(on_accept))};
  if (!listeners_.emplace(std::pair(host, port), std::move(state)).second) {
    return fail(ErrorCode::address_in_use, endpoint.to_string());
  }
  return std::make_unique<SimListener>(*this, host, port, id);
}

void Network::stop_listening(HostId host, std::uint16_t port, std::uint64_t listener) {
  const auto found = listeners_.find({host, port});
  if (found == listeners_.end() || found->second.id != listener) return;
  const auto kept = std::move(found->second.on_accept);  // what it owns may listen or stop, too
  listeners_.erase(found);
}

std::unique_ptr<ConnectAttempt> Network::connect(SimTransport& loop, const Endpoint& endpoint,
                                                 MonotonicTime deadline, ConnectCallback done) {
  Connection& c = create();
  End& e = c.ends[0];
  e.host = loop.host();
  e.port = free_port(e.host);
  e.loop = &loop;
  e.done = std::move(done);
  c.ends[1].host = parse_host_name(endpoint.host);
  c.ends[1].port = endpoint.port;
  if (c.ends[1].host == 0 || endpoint.port == 0) {
    e.connect_error = Error{ErrorCode::address_invalid, endpoint.to_string()};
    wake_later(c, 0);
  } else {
    e.open = true;
    send_packet(c, 1, EventKind::syn, 0, 0, true);
    Event event;
    event.kind = EventKind::connect_deadline;
    event.host = e.host;
    event.connection = c.id;
    e.deadline = world_.push(deadline, std::move(event));
  }
  return std::make_unique<SimConnectAttempt>(*this, c.id);
}

void Network::cancel_connect(ConnectionId id) {
  Connection* c = find(id);
  if (c == nullptr || !c->ends[0].connecting()) return;
  const ConnectCallback dropped = std::exchange(c->ends[0].done, {});
  c->ends[0].open = false;
  if (c->ends[1].open) send_packet(*c, 1, EventKind::rst, 0, 0, false);
  free_if_unused(*c);
}

void Network::connect_failed(Connection& c, Error error) {
  End& e = c.ends[0];
  e.connect_error = std::move(error);
  e.open = false;
  if (c.ends[1].open) send_packet(c, 1, EventKind::rst, 0, 0, false);
  wake_later(c, 0);
}

void Network::handle(Event event) {
  if (event.kind == EventKind::link_open) return open_link(event.from, event.host);
  if (event.kind >= EventKind::syn && event.kind <= EventKind::rst) {
    const ConnectionId id = event.connection;
    packet(std::move(event));
    if (Connection* c = find(id)) free_if_unused(*c);
    return;
  }
  Connection* c = find(event.connection);
  if (c == nullptr) return;
  End& e = c->ends[event.side];
  if (event.kind == EventKind::wake) {
    e.wake_pending = false;
    service(c->id, event.side);
  } else if (event.kind == EventKind::accept) {
    accept(c->id);
  } else if (event.kind == EventKind::connect_deadline) {
    e.deadline = 0;
    if (e.connecting() && !e.connected && !e.connect_error) {
      ++world_.faults_.connect_timeouts;
      connect_failed(*c, Error{ErrorCode::connect_timeout, {}});
    }
  } else if (event.kind == EventKind::pump) {
    e.pump_pending = false;
    pump(*c, event.side);
  } else {
    watchdog(*c, event.side);
  }
  if ((c = find(event.connection)) != nullptr) free_if_unused(*c);
}

void Network::arrive(Connection& c, Event& event) {
  End& e = c.ends[event.side];
  switch (event.kind) {
    case EventKind::syn:
      on_syn(c);
      break;
    case EventKind::syn_ack:
      e.connected = e.open;
      service(c.id, 0);
      break;
    case EventKind::data:
      on_data(c, event.side, event);
      break;
    case EventKind::ack:
      e.in_window -= event.size;
      pump(c, event.side);
      break;
    case EventKind::fin:
      e.fin_received = true;
      service(c.id, event.side);
      break;
    default:
      on_rst(c, event.side);
  }
}

void Network::on_syn(Connection& c) {
  End& e = c.ends[1];
  if (!c.ends[0].open) return;
  const auto found = listeners_.find({e.host, e.port});
  if (found == listeners_.end()) {
    ++world_.faults_.refused;
    return send_packet(c, 0, EventKind::rst, 0, 0, false);
  }
  e.loop = found->second.loop;
  e.open = true;
  c.listener = found->second.id;
  send_packet(c, 0, EventKind::syn_ack, 0, 0, true);
  if (world_.is_runnable(e.host)) return accept(c.id);
  Event event;
  event.kind = EventKind::accept;
  event.side = 1;
  event.host = e.host;
  event.connection = c.id;
  world_.push(world_.now_, std::move(event));
}

void Network::accept(ConnectionId id) {
  Connection* c = find(id);
  End& e = c->ends[1];
  const std::uint64_t listener = std::exchange(c->listener, 0);
  if (listener == 0 || !e.open) return;
  const auto found = listeners_.find({e.host, e.port});
  if (found == listeners_.end() || found->second.id != listener) {
    e.open = false;
    return send_packet(*c, 0, EventKind::rst, 0, 0, false);
  }
  e.owned = true;
  const std::shared_ptr<AcceptCallback> on_accept = found->second.on_accept;
  const std::string peer = Endpoint{host_name(c->ends[0].host), c->ends[0].port}.to_string();
  (*on_accept)(std::make_unique<SimStream>(*this, id, 1, peer));
}

void Network::on_data(Connection& c, unsigned side, Event& event) {
  End& e = c.ends[side];
  if (!e.open) {
    give_buffer(event.buffer);
    if (c.ends[1 - side].open) send_packet(c, 1 - side, EventKind::rst, 0, 0, false);
    return;
  }
  std::string& bytes = buffers_[event.buffer];
  if (e.unread_bytes == 0) {
    e.unread.swap(bytes);
    e.unread_from = 0;
  } else {
    if (e.unread_from > e.unread.size() / 2) {
      e.unread.erase(0, std::exchange(e.unread_from, 0));
    }
    e.unread.append(bytes);
  }
  e.unread_bytes += event.size;
  give_buffer(event.buffer);
  service(c.id, side);
}

void Network::on_rst(Connection& c, unsigned side) {
  End& e = c.ends[side];
  if (!e.open) return;
  if (e.connecting()) {
    connect_failed(c, Error{ErrorCode::connection_refused, {}});
  } else {
    end_socket(c, side, Error{ErrorCode::connection_reset, {}});
  }
  service(c.id, side);
}

void Network::crash(HostId host, PeersSee peers_see) {
  std::vector<ConnectCallback> dropped;
  for (const auto& connection : connections_) {
    Connection& c = *connection;
    if (!c.used) continue;
    for (unsigned side = 0; side < 2; ++side) {
      End& e = c.ends[side];
      if (e.host != host) continue;
      dropped.push_back(std::exchange(e.done, {}));
      e.owned = false;
      e.handler = nullptr;
      e.wake_pending = false;
      if (peers_see == PeersSee::end) {
        close_socket(c, side);
      } else if (std::exchange(e.open, false) && peers_see == PeersSee::reset &&
                 c.ends[1 - side].open) {
        send_packet(c, 1 - side, EventKind::rst, 0, 0, false);
      }
    }
    free_if_unused(c);
  }
  Listeners stopped;
  for (auto l = listeners_.begin(); l != listeners_.end();) {
    const auto next = std::next(l);
    if (l->first.first == host) stopped.insert(listeners_.extract(l));
    l = next;
  }
}

void Network::reset_connections(HostId a, HostId b) {
  for (const auto& connection : connections_) {
    const HostId x = connection->ends[0].host;
    const HostId y = connection->ends[1].host;
    if (connection->used && ((x == a && y == b) || (x == b && y == a))) reset_both(*connection);
  }
}

}  // namespace grey::transport::sim
