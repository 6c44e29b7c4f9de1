// A simulated cluster for tests: a world, three node processes, and connections to them that a test
// shapes as it likes.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster/node/testing/node_process.h"
#include "protocol/data_messages.h"
#include "rpc/channel.h"
#include "transport/sim/sim_transport.h"

namespace grey::cluster::testing {

using namespace std::chrono_literals;

/// How a call ended; kept beyond the completion.
struct Ended {
  ErrorCode code = ErrorCode::ok;
  bool sent = false;
  bool answered = false;
};

struct NodeWorld {
  explicit NodeWorld(std::uint64_t seed = 1, storage::MemoryDiskOptions disk = {},
                     transport::sim::NetworkOptions network = {})
      : world(seed, network), topology(simulated_topology(3)), random(seed) {
    for (const TopologyNode& node : topology.nodes) {
      processes.push_back(std::make_unique<NodeProcess>(world, simulated_config(node.id, topology),
                                                        random.fork(), disk));
    }
  }

  NodeProcess& process(NodeId id) { return *processes[id - 1]; }
  const protocol::PeerStatus& peer_status(NodeId of, NodeId peer) {
    statuses[of] = process(of).node().status();
    for (const protocol::PeerStatus& status : statuses[of].peers) {
      if (status.node == peer) return status;
    }
    ADD_FAILURE() << "node " << of << " knows no peer " << peer;
    return statuses[of].peers.front();
  }
  bool joined() {
    for (const auto& p : processes) {
      if (!p->serving()) return false;
      for (const protocol::PeerStatus& peer : p->node().status().peers) {
        if (peer.state != "up") return false;
      }
    }
    return true;
  }
  /// Boots all nodes; true once they are connected with one another.
  bool start() {
    for (const auto& p : processes) p->boot();
    return world.run_until([this] { return joined(); }, 10s);
  }

  /// What a client says of itself when it connects.
  protocol::SessionConfig client_session() const {
    protocol::SessionConfig session;
    session.self = protocol::PeerRole::client;
    session.client_id = {1, 2};
    return session;
  }
  /// What the node of that id says to another.
  protocol::SessionConfig node_session(NodeId id, std::uint64_t incarnation) const {
    protocol::SessionConfig session;
    session.cluster_id = topology.cluster_id;
    session.self = protocol::PeerRole::node;
    session.node_id = id;
    session.incarnation = incarnation;
    session.topology_hash = topology_hash(topology);
    return session;
  }
  /// A connection from `host` to node `to`; one attempt.
  std::unique_ptr<rpc::Channel> connect(transport::sim::HostId host, NodeId to,
                                        protocol::SessionConfig session,
                                        rpc::ConnectionOptions connection = {}) {
    rpc::ChannelOptions options;
    options.endpoint = {transport::sim::host_name(to), node_port};
    options.session = std::move(session);
    options.connection = connection;
    options.backoff.tries_max = 0;
    options.random = [] { return std::array<char, 32>{}; };
    auto channel = std::make_unique<rpc::Channel>(world.transport(host), std::move(options));
    channel->start();
    world.run_until([&] { return channel->state().phase != rpc::ChannelState::Phase::connecting; },
                    10s);
    return channel;
  }
  std::unique_ptr<rpc::Channel> client_of(NodeId to, transport::sim::HostId host = 50) {
    auto channel = connect(host, to, client_session());
    EXPECT_TRUE(channel->is_connected());
    return channel;
  }
  /// A put as the client library would send it; `ended` gets its end.
  void put(rpc::Channel& channel, const std::string& key, Ended* ended, Duration timeout = 5s) {
    Bytes head;
    const Bytes value = "value of " + key;
    protocol::PutRequest request;
    request.key = key;
    request.operation = {{7, 7}, ++sequence};
    request.window = {topology.epoch, {}, 1u << 20};
    request.value = value;
    protocol::encode_head(request, head);
    call(channel, protocol::method::put, head, SharedBytes(value), ended, timeout);
  }
  void get(rpc::Channel& channel, const std::string& key, Ended* ended, Duration timeout = 5s) {
    Bytes head;
    protocol::encode_head(protocol::GetRequest{.key = key}, head);
    call(channel, protocol::method::get, head, {}, ended, timeout);
  }
  void call(rpc::Channel& channel, std::uint32_t method, const Bytes& head, SharedBytes value,
            Ended* ended, Duration timeout = 5s) {
    ++calls_out;
    channel.call({.method = method,
                  .deadline = world.now() + timeout,
                  .tenant = "test",
                  .trace = {},
                  .idempotency = {}},
                 {.head = head, .value = std::move(value)}, [this, ended](const rpc::Reply& reply) {
                   --calls_out;
                   if (ended != nullptr) *ended = {reply.code, reply.sent, reply.answered};
                 });
  }
  bool run_until_ended(Duration limit = 30s) {
    return world.run_until([this] { return calls_out == 0; }, limit);
  }

  transport::sim::World world;
  Topology topology;
  Random random;
  std::vector<std::unique_ptr<NodeProcess>> processes;
  std::map<NodeId, protocol::NodeStatus> statuses;
  std::uint64_t sequence = 0;
  int calls_out = 0;
};

}  // namespace grey::cluster::testing
