// Whole nodes in simulated time: who may connect, what clients may ask, and how a node ends.
#include "cluster/node/node.h"

#include <gtest/gtest.h>

#include "cluster/node/peer_messages.h"
#include "cluster/node/testing/node_world.h"

namespace grey::cluster {
namespace {

using namespace std::chrono_literals;
using testing::Ended;
using testing::NodeProcess;
using testing::NodeWorld;
using testing::simulated_config;

TEST(Node, ThreeNodesServeWhatOneWasTold) {
  NodeWorld w;
  ASSERT_TRUE(w.start());
  const auto writer = w.client_of(1);
  Ended put;
  w.put(*writer, "key", &put);
  ASSERT_TRUE(w.run_until_ended());
  EXPECT_EQ(put.code, ErrorCode::ok);
  for (const NodeId node : {1, 2, 3}) {
    const auto reader = w.client_of(node, 60 + node);
    Ended get;
    w.get(*reader, "key", &get);
    ASSERT_TRUE(w.run_until_ended());
    EXPECT_EQ(get.code, ErrorCode::ok);
  }
}

// The figure of that name, from a node's status.
std::uint64_t figure(const std::vector<std::pair<std::string, std::uint64_t>>& figures,
                     std::string_view name) {
  for (const auto& [key, value] : figures) {
    if (key == name) return value;
  }
  ADD_FAILURE() << "no figure " << name;
  return 0;
}

TEST(Node, ConnectionsOfVanishedClientsAreGivenUp) {
  NodeWorld w;
  ASSERT_TRUE(w.start());
  const std::uint64_t before = figure(w.process(1).node().status().counters, "connections");
  auto client = w.client_of(1);
  EXPECT_EQ(figure(w.process(1).node().status().counters, "connections"), before + 1);
  w.world.crash(50, transport::sim::PeersSee::silence);
  client.reset();
  w.world.run_for(60s);
  EXPECT_EQ(figure(w.process(1).node().status().counters, "connections"), before);
}

TEST(Node, AClientThatIsSilentButThereStaysConnected) {
  NodeWorld w;
  ASSERT_TRUE(w.start());
  const auto client = w.client_of(1);
  w.world.run_for(10min);
  EXPECT_TRUE(client->is_connected());
}

TEST(Node, ClientsNeverKeepPeersOut) {
  NodeWorld w;
  NodeConfig small = simulated_config(1, w.topology);
  small.connections_max = 10;
  w.processes[0] = std::make_unique<NodeProcess>(w.world, small, w.random.fork());
  ASSERT_TRUE(w.start());
  w.process(2).kill();
  std::vector<std::unique_ptr<rpc::Channel>> clients;
  std::size_t connected = 0;
  for (transport::sim::HostId host = 50; host < 90; ++host) {
    clients.push_back(w.connect(host, 1, w.client_session()));
  }
  w.world.run_for(1s);
  for (const auto& client : clients) {
    connected += client->is_connected();
    if (!client->is_connected()) {
      EXPECT_EQ(client->state().last_error.code, ErrorCode::too_many_connections);
    }
  }
  EXPECT_EQ(connected, 10u);
  w.process(2).boot();
  EXPECT_TRUE(w.world.run_until([&] { return w.joined(); }, 10s));
}

// ---- who may connect --------------------------------------------------------------------------

TEST(NodeIdentity, ANodeOfAnotherClusterStaysOutside) {
  NodeWorld w;
  w.processes[2] = std::make_unique<NodeProcess>(
      w.world, simulated_config(3, testing::simulated_topology(3, "another")), w.random.fork());
  EXPECT_FALSE(w.start());
  EXPECT_EQ(w.peer_status(1, 2).state, "up");
  for (const NodeId node : {1, 2}) {
    EXPECT_EQ(w.peer_status(node, 3).state, "down");
    EXPECT_TRUE(w.peer_status(node, 3).last_error.starts_with("wrong_cluster"))
        << w.peer_status(node, 3).last_error;
    EXPECT_TRUE(w.peer_status(3, node).last_error.starts_with("wrong_cluster"));
  }
}

TEST(NodeIdentity, ANodeOfAnotherTopologyStaysOutside) {
  NodeWorld w;
  Topology older = w.topology;
  older.nodes[1].zone = "moved";
  w.processes[2] =
      std::make_unique<NodeProcess>(w.world, simulated_config(3, older), w.random.fork());
  EXPECT_FALSE(w.start());
  EXPECT_EQ(w.peer_status(1, 2).state, "up");
  for (const NodeId node : {1, 2}) {
    EXPECT_EQ(w.peer_status(node, 3).state, "down");
    EXPECT_TRUE(w.peer_status(node, 3).last_error.starts_with("wrong_topology"));
    EXPECT_TRUE(w.peer_status(3, node).last_error.starts_with("wrong_topology"));
  }
}

TEST(NodeIdentity, APeerThatIsNotInTheTopologyIsTurnedAway) {
  NodeWorld w;
  ASSERT_TRUE(w.start());
  const auto stranger = w.connect(50, 1, w.node_session(9, 1));
  ASSERT_TRUE(w.world.run_until([&] { return !stranger->is_connected(); }, 10s));
  EXPECT_EQ(stranger->state().last_error.code, ErrorCode::wrong_identity);
  EXPECT_TRUE(w.joined());
}

TEST(NodeIdentity, APeerThatClaimsToBeTheNodeItselfIsTurnedAway) {
  NodeWorld w;
  ASSERT_TRUE(w.start());
  const auto twin = w.connect(50, 1, w.node_session(1, 1));
  ASSERT_TRUE(w.world.run_until([&] { return !twin->is_connected(); }, 10s));
  EXPECT_EQ(twin->state().last_error.code, ErrorCode::wrong_identity);
}

TEST(NodeIdentity, AnOldCopyOfANodeDoesNotTakeItsPlace) {
  NodeWorld w;
  ASSERT_TRUE(w.start());
  w.process(2).kill();
  w.process(2).boot();
  ASSERT_TRUE(w.world.run_until([&] { return w.joined(); }, 10s));
  ASSERT_EQ(w.process(2).incarnation(), 2u);
  const std::uint64_t connections = figure(w.peer_status(2, 1).figures, "connections");
  const auto copy = w.connect(50, 1, w.node_session(2, 1));
  ASSERT_TRUE(w.world.run_until([&] { return !copy->is_connected(); }, 10s));
  EXPECT_EQ(copy->state().last_error.code, ErrorCode::duplicate_connection);
  w.world.run_for(5s);
  EXPECT_TRUE(w.joined());
  EXPECT_EQ(figure(w.peer_status(2, 1).figures, "connections"), connections);
}

// Two processes of one incarnation cannot be told apart from one that connects again: the later
// connection counts, and the cluster goes on serving.
TEST(NodeIdentity, TwoProcessesOfOneNodeDoNotStopTheCluster) {
  NodeWorld w;
  ASSERT_TRUE(w.start());
  const auto twin = w.connect(50, 1, w.node_session(2, 1));
  EXPECT_TRUE(twin->is_connected());
  const auto client = w.client_of(1, 60);
  for (int i = 0; i < 20; ++i) {
    Ended put;
    w.put(*client, "key" + std::to_string(i), &put);
    ASSERT_TRUE(w.run_until_ended());
    EXPECT_EQ(put.code, ErrorCode::ok);
  }
  // The real one came back and took its place again.
  w.world.run_for(2s);
  ASSERT_TRUE(w.world.run_until([&] { return w.joined(); }, 10s));
  EXPECT_FALSE(twin->is_connected());
  EXPECT_EQ(twin->state().last_error.code, ErrorCode::duplicate_connection);
}

TEST(NodeIdentity, ANodeMeantForAnotherAddressIsNotTakenForIt) {
  NodeWorld w;
  ASSERT_TRUE(w.start());
  protocol::SessionConfig session = w.node_session(2, 1);
  session.expected_node = 3;
  const auto lost = w.connect(50, 1, session);
  ASSERT_TRUE(w.world.run_until([&] { return !lost->is_connected(); }, 10s));
  EXPECT_EQ(lost->state().last_error.code, ErrorCode::wrong_identity);
}

// ---- what clients may ask ---------------------------------------------------------------------

TEST(NodeRequests, AClientMayNotCallWhatIsForNodes) {
  NodeWorld w;
  ASSERT_TRUE(w.start());
  const auto client = w.client_of(1);
  const std::uint64_t before = w.process(1).node().store().replica().counters().requests;
  for (std::uint32_t method = peer_method::read; method <= peer_method::end; ++method) {
    Ended ended;
    w.call(*client, method, {}, {}, &ended);
    ASSERT_TRUE(w.run_until_ended());
    EXPECT_EQ(ended.code, ErrorCode::unauthorised);
    EXPECT_TRUE(ended.answered);
  }
  EXPECT_EQ(w.process(1).node().store().replica().counters().requests, before);
  EXPECT_TRUE(client->is_connected());
}

TEST(NodeRequests, AMethodThatDoesNotExistIsNamedSo) {
  NodeWorld w;
  ASSERT_TRUE(w.start());
  const auto client = w.client_of(1);
  Ended ended;
  w.call(*client, 63, {}, {}, &ended);
  ASSERT_TRUE(w.run_until_ended());
  EXPECT_EQ(ended.code, ErrorCode::unknown_method);
}

// ---- how a node ends --------------------------------------------------------------------------

// Operations at every stage when the node is told to stop: some wait for the disk of a peer in the
// first round, some in the second.
class NodeDrain : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(NodeDrain, EveryRequestUnderWayIsAnswered) {
  storage::MemoryDiskOptions disk;
  disk.sync_latency_min = 5ms;
  disk.sync_latency_max = 60ms;
  NodeWorld w(GetParam(), disk);
  ASSERT_TRUE(w.start());
  const auto client = w.client_of(1);
  constexpr int count = 60;
  std::vector<Ended> before(count), late(20);
  for (int i = 0; i < count; ++i) {
    // Competing writes to a key take more rounds.
    w.put(*client, "key" + std::to_string(i % 40), &before[static_cast<std::size_t>(i)]);
    w.world.run_for(2ms);
  }
  bool ended = false;
  w.process(1).terminate(10s, [&] { ended = true; });
  for (Ended& e : late) w.put(*client, "late", &e);
  ASSERT_TRUE(w.world.run_until([&] { return ended; }, 20s));
  ASSERT_TRUE(w.run_until_ended());
  for (const Ended& e : before) {
    EXPECT_TRUE(e.answered);
    EXPECT_TRUE(e.code == ErrorCode::ok || e.code == ErrorCode::outcome_unknown)
        << error_name(e.code);
  }
  // What came after the announcement has certainly not been carried out.
  for (const Ended& e : late) {
    EXPECT_NE(e.code, ErrorCode::ok);
    EXPECT_TRUE(e.answered || !e.sent) << error_name(e.code);
  }
}

TEST(NodeFailure, AFailedSyncEndsTheNodeAndTheOthersGoOn) {
  NodeWorld w;
  ASSERT_TRUE(w.start());
  ErrorCode reason = ErrorCode::ok;
  w.process(1).on_failure([&](const Error& error) { reason = error.code; });
  w.process(1).disk().options().sync_failure_chance = 1;
  const auto client = w.client_of(2);
  for (int i = 0; i < 20; ++i) {
    Ended put;
    w.put(*client, "key" + std::to_string(i), &put);
    ASSERT_TRUE(w.run_until_ended());
    EXPECT_EQ(put.code, ErrorCode::ok);
  }
  EXPECT_FALSE(w.process(1).running());
  EXPECT_EQ(reason, ErrorCode::sync_failed);
}

INSTANTIATE_TEST_SUITE_P(Seeds, NodeDrain, ::testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace grey::cluster
