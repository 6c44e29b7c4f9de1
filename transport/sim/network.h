// The simulated network and the kernels at its edges: connections, listeners, links between hosts,
// packets. Reliable ordered byte streams with a bounded window; what a link or a dead host holds
// back stays in order. Internal to transport/sim.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "transport/sim/connection.h"
#include "transport/sim/sim_transport.h"
#include "transport/sim/world.h"

namespace grey::transport::sim {

class Network {
 public:
  explicit Network(World& world) : world_(world), random_(world.fork_random()) {}

  // Calls of a process (from SimTransport and the objects it makes).
  Result<std::unique_ptr<Listener>> listen(SimTransport& loop, const Endpoint& endpoint,
                                           AcceptCallback on_accept);
  void stop_listening(HostId host, std::uint16_t port, std::uint64_t listener);
  std::unique_ptr<ConnectAttempt> connect(SimTransport& loop, const Endpoint& endpoint,
                                          MonotonicTime deadline, ConnectCallback done);
  void cancel_connect(ConnectionId id);
  /// The end that a Stream object stands for, or null once it is over or its host has crashed.
  End* owned_end(ConnectionId id, unsigned side);
  void start(ConnectionId id, unsigned side, StreamHandler& handler);
  void send(ConnectionId id, unsigned side, SendBatch batch);
  void set_paused(ConnectionId id, unsigned side, bool paused);
  void shutdown_send(ConnectionId id, unsigned side);
  void close(ConnectionId id, unsigned side);
  void disown(ConnectionId id, unsigned side);

  /// Every event that is not a task.
  void handle(Event event);

  // Faults.
  void crash(HostId host, PeersSee peers_see);
  void host_is_up(HostId host);
  void block(HostId from, HostId to);
  void unblock(HostId from, HostId to);
  bool is_blocked(HostId from, HostId to) const;
  void heal();
  void clog(HostId from, HostId to, Duration duration);
  void reset_connections(HostId a, HostId b);
  void set_link_options(HostId from, HostId to, const NetworkOptions& options);
  Duration sample_latency(HostId from, HostId to);

 private:
  struct Link {
    bool blocked = false;
    bool holding = false;
    MonotonicTime clogged_until{};
    MonotonicTime wire_free_at{};
    std::unique_ptr<NetworkOptions> options;
    std::vector<Event> held;
  };
  struct ListenerState {
    std::uint64_t id = 0;
    SimTransport* loop = nullptr;
    std::shared_ptr<AcceptCallback> on_accept;
  };
  using Listeners = std::map<std::pair<HostId, std::uint16_t>, ListenerState>;

  // links.cc
  Link& link(HostId from, HostId to);
  const NetworkOptions& options(HostId from, HostId to);
  Duration sample_latency(const NetworkOptions& options);
  void send_packet(Connection& c, unsigned to_side, EventKind kind, std::size_t size,
                   std::uint32_t buffer, bool ordered);
  void packet(Event event);
  void hold(std::vector<Event>& held, Event event);
  void release(std::vector<Event> held);
  void open_link(HostId from, HostId to);
  void watchdog(Connection& c, unsigned side);

  // network.cc
  Connection* find(ConnectionId id);
  Connection& create();
  void free_if_unused(Connection& c);
  std::uint32_t take_buffer();
  void give_buffer(std::uint32_t index);
  std::uint16_t free_port(HostId host);
  void arrive(Connection& c, Event& event);
  void on_syn(Connection& c);
  void on_data(Connection& c, unsigned side, Event& event);
  void on_rst(Connection& c, unsigned side);
  void accept(ConnectionId id);
  void connect_failed(Connection& c, Error error);

  // socket.cc
  void wake_later(Connection& c, unsigned side, Duration delay = Duration(0));
  void service(ConnectionId id, unsigned side);
  bool service_once(Connection& c, unsigned side);
  void tell_connected(Connection& c);
  bool deliver(Connection& c, unsigned side);
  void pump(Connection& c, unsigned side);
  bool send_segment(Connection& c, unsigned side, const NetworkOptions& options);
  void end_socket(Connection& c, unsigned side, Error reason);
  void close_socket(Connection& c, unsigned side);
  void reset_both(Connection& c);

  World& world_;
  Random random_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::uint32_t> free_connections_;
  std::vector<std::string> buffers_;
  std::vector<std::uint32_t> free_buffers_;
  std::vector<std::vector<Link>> links_;          // [from][to]
  std::map<HostId, std::vector<Event>> held_at_;  // by hosts that are down
  Listeners listeners_;
  std::uint64_t next_listener_ = 1;
  std::uint32_t next_port_ = 0;
};

}  // namespace grey::transport::sim
