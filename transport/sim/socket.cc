// One end of a connection as its process sees it: calls in, callbacks out, bytes between the
// process and the window.
#include <algorithm>

#include "base/check.h"
#include "transport/sim/network.h"
#include "transport/sim/sim_stream.h"

namespace grey::transport::sim {
namespace {

constexpr std::size_t receive_bytes_max = 64 * 1024;
constexpr Duration next_read_delay_max = std::chrono::microseconds(50);

}  // namespace

End* Network::owned_end(ConnectionId id, unsigned side) {
  Connection* c = find(id);
  return c != nullptr && c->ends[side].owned ? &c->ends[side] : nullptr;
}

void Network::start(ConnectionId id, unsigned side, StreamHandler& handler) {
  End* e = owned_end(id, side);
  if (e == nullptr) return;
  GREY_CHECK(e->handler == nullptr);
  e->handler = &handler;
  wake_later(*find(id), side);
}

void Network::send(ConnectionId id, unsigned side, SendBatch batch) {
  End* e = owned_end(id, side);
  if (e == nullptr || !e->open) return;
  GREY_CHECK(!e->sending && !e->fin_wanted);
  e->sending = true;
  e->untaken = batch.size();
  e->piece = e->offset = 0;
  e->batch = std::move(batch);
  pump(*find(id), side);
}

void Network::set_paused(ConnectionId id, unsigned side, bool paused) {
  End* e = owned_end(id, side);
  if (e == nullptr || e->paused == paused) return;
  e->paused = paused;
  if (!paused) wake_later(*find(id), side);
}

void Network::shutdown_send(ConnectionId id, unsigned side) {
  End* e = owned_end(id, side);
  if (e == nullptr || !e->open) return;
  e->fin_wanted = true;
  pump(*find(id), side);
}

void Network::close(ConnectionId id, unsigned side) {
  End* e = owned_end(id, side);
  if (e == nullptr || (e->over && e->handler == nullptr)) return;
  e->over = Error{ErrorCode::closed_locally, {}};
  close_socket(*find(id), side);
  wake_later(*find(id), side);
}

void Network::disown(ConnectionId id, unsigned side) {
  End* e = owned_end(id, side);
  if (e == nullptr) return;
  e->owned = false;
  e->handler = nullptr;
  close_socket(*find(id), side);
  free_if_unused(*find(id));
}

void Network::wake_later(Connection& c, unsigned side, Duration delay) {
  End& e = c.ends[side];
  if (std::exchange(e.wake_pending, true)) return;
  Event event;
  event.kind = EventKind::wake;
  event.side = static_cast<std::uint8_t>(side);
  event.host = e.host;
  event.connection = c.id;
  world_.push(world_.now_ + delay, std::move(event));
}

void Network::service(ConnectionId id, unsigned side) {
  while (Connection* c = find(id)) {
    const End& e = c->ends[side];
    if (!e.owned && !e.connecting()) return;
    if (!world_.is_runnable(e.host)) return wake_later(*c, side);
    if (!service_once(*c, side)) return;
  }
}

// Makes the one callback that is due. True if another may be.
bool Network::service_once(Connection& c, unsigned side) {
  End& e = c.ends[side];
  if (e.connecting()) {
    if (e.connected || e.connect_error) tell_connected(c);
    return false;
  }
  if (e.handler == nullptr) return false;
  if (!e.over && e.fin_sent && e.end_told) {
    end_socket(c, side, Error{ErrorCode::peer_closed, {}});
  }
  if (e.over) {
    const Error reason = *e.over;
    std::exchange(e.handler, nullptr)->on_closed(reason);
    return false;
  }
  if (e.taken) {
    e.taken = e.sending = false;
    e.batch.clear();
    e.handler->on_sent(std::move(e.batch));
    return true;
  }
  if (e.paused) return false;
  if (e.unread_bytes > 0) return deliver(c, side);
  if (!e.fin_received || e.end_told) return false;
  e.end_told = true;
  e.handler->on_receive_end();
  return true;
}

void Network::tell_connected(Connection& c) {
  End& e = c.ends[0];
  ConnectCallback done = std::exchange(e.done, {});
  world_.events_.remove(std::exchange(e.deadline, 0));
  if (e.connect_error) {
    const Error error = *e.connect_error;
    free_if_unused(c);
    return done(std::unexpected(error));
  }
  e.owned = true;
  const std::string peer = Endpoint{host_name(c.ends[1].host), c.ends[1].port}.to_string();
  done(std::make_unique<SimStream>(*this, c.id, 0, peer));
}

bool Network::deliver(Connection& c, unsigned side) {
  End* e = &c.ends[side];
  const ConnectionId id = c.id;
  const NetworkOptions& o = options(c.ends[1 - side].host, e->host);
  std::size_t size = std::min(e->unread_bytes, receive_bytes_max);
  if (size > 1 && o.split_receive_chance > 0 && random_.chance(o.split_receive_chance)) {
    ++world_.faults_.split_receives;
    size = random_.between(1, size - 1);
  }
  // The handler may destroy the stream: the bytes stay with us until it is done with them.
  std::string bytes = std::exchange(e->unread, {});
  const std::size_t from = std::exchange(e->unread_from, 0);
  e->unread_bytes -= size;
  e->handler->on_receive(std::string_view(bytes).substr(from, size));
  Connection* still = find(id);
  if (still == nullptr || !still->ends[side].open) return still != nullptr;
  e = &still->ends[side];
  if (e->unread_bytes > 0) {
    e->unread_from = from + size;
  } else {
    bytes.clear();
  }
  e->unread = std::move(bytes);
  if (still->ends[1 - side].open) {
    send_packet(*still, 1 - side, EventKind::ack, size, 0, false);
  }
  if (e->unread_bytes == 0) return true;
  wake_later(*still, side, random_.between(Duration(0), next_read_delay_max));
  return false;
}

void Network::pump(Connection& c, unsigned side) {
  End& e = c.ends[side];
  if (!e.open) return;
  const NetworkOptions& o = options(e.host, c.ends[1 - side].host);
  while (e.untaken > 0) {
    if (e.in_window >= o.window_bytes) {
      ++world_.faults_.windows_full;
      return;
    }
    if (e.pump_pending || !send_segment(c, side, o)) return;
  }
  if (e.sending && !std::exchange(e.taken, true)) wake_later(c, side);
  if (e.fin_wanted && !e.fin_sent) {
    e.fin_sent = true;
    send_packet(c, 1 - side, EventKind::fin, 0, 0, true);
    wake_later(c, side);
  }
}

// Puts the next bytes of the batch on the wire. False if the kernel takes no more for now.
bool Network::send_segment(Connection& c, unsigned side, const NetworkOptions& o) {
  End& e = c.ends[side];
  if (o.reset_chance > 0 && random_.chance(o.reset_chance)) {
    reset_both(c);
    return false;
  }
  std::size_t size = std::min({o.window_bytes - e.in_window, o.segment_bytes_max, e.untaken});
  if (size > 1 && o.split_send_chance > 0 && random_.chance(o.split_send_chance)) {
    ++world_.faults_.split_sends;
    size = random_.between(1, size - 1);
  }
  const std::uint32_t buffer = take_buffer();
  std::string& bytes = buffers_[buffer];
  while (bytes.size() < size) {
    const std::string_view rest = e.batch.piece(e.piece).substr(e.offset);
    const std::size_t taken = std::min(rest.size(), size - bytes.size());
    bytes.append(rest.substr(0, taken));
    e.offset += taken;
    if (taken == rest.size()) {
      ++e.piece;
      e.offset = 0;
    }
  }
  if (o.bit_flip_chance > 0 && random_.chance(o.bit_flip_chance)) {
    ++world_.faults_.bit_flips;
    char& victim = bytes[random_.below(size)];
    victim = static_cast<char>(static_cast<unsigned char>(victim) ^ (1u << random_.below(8)));
  }
  e.untaken -= size;
  e.in_window += size;
  send_packet(c, 1 - side, EventKind::data, size, buffer, true);
  if (e.untaken == 0 || o.short_send_chance <= 0 || !random_.chance(o.short_send_chance)) {
    return true;
  }
  ++world_.faults_.short_sends;
  e.pump_pending = true;
  Event event;
  event.kind = EventKind::pump;
  event.side = static_cast<std::uint8_t>(side);
  event.host = e.host;
  event.connection = c.id;
  world_.push(world_.now_ + random_.between(Duration(0), o.short_send_delay_max), std::move(event));
  return false;
}

// The socket is over, for `reason`; the process hears of it when it is next woken.
void Network::end_socket(Connection& c, unsigned side, Error reason) {
  End& e = c.ends[side];
  e.over = std::move(reason);
  e.open = false;
  e.untaken = e.unread_bytes = e.unread_from = 0;
  e.batch = {};
  e.unread = {};
}

// close(2): unread bytes make it a reset, else what was taken goes out and the end behind it.
void Network::close_socket(Connection& c, unsigned side) {
  End& e = c.ends[side];
  if (!std::exchange(e.open, false)) return;
  if (c.ends[1 - side].open) {
    if (e.unread_bytes > 0) {
      send_packet(c, 1 - side, EventKind::rst, 0, 0, false);
    } else if (!std::exchange(e.fin_sent, true)) {
      send_packet(c, 1 - side, EventKind::fin, 0, 0, true);
    }
  }
  e.untaken = e.unread_bytes = e.unread_from = 0;
  e.batch = {};
  e.unread = {};
}

void Network::reset_both(Connection& c) {
  ++world_.faults_.resets;
  for (unsigned side = 0; side < 2; ++side) {
    End& e = c.ends[side];
    if (!e.open) continue;
    if (e.connecting()) {
      connect_failed(c, Error{ErrorCode::connection_refused, {}});
      continue;
    }
    end_socket(c, side, Error{ErrorCode::connection_reset, {}});
    wake_later(c, side);
  }
}

}  // namespace grey::transport::sim
