#include "transport/sim/network.h"

#include <gtest/gtest.h>

#include "transport/sim/sim_transport.h"
#include "transport/sim/test_peer.h"
#include "transport/sim/world.h"

namespace grey::transport::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Bytes noise(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  Bytes out(size, '\0');
  for (char& c : out) c = static_cast<char>(random.next());
  return out;
}

// A server on host 1, a client on host 2, connected.
struct Pair {
  explicit Pair(NetworkOptions network = {}, bool echo = true, std::uint64_t seed = 1)
      : world(seed, network),
        server(std::make_unique<Server>(world.transport(1), 7, echo)),
        client(std::make_unique<Client>(world.transport(2), host_name(1), 7)) {
    world.run_until([&] { return client->stream && !server->peers.empty(); }, seconds(60));
    EXPECT_TRUE(client->stream);
  }
  Peer& accepted() { return server->peers.front(); }
  World world;
  std::unique_ptr<Server> server;
  std::unique_ptr<Client> client;
};

TEST(Network, BytesSurviveEveryBenignFault) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    NetworkOptions network = NetworkOptions::hostile();
    network.bandwidth_bytes_per_s = 20'000'000;
    Pair pair(network, true, seed);
    const Bytes bytes = noise(500'000, seed);
    pair.client->send(bytes);
    pair.client->finish();
    ASSERT_TRUE(pair.world.run_until([&] { return pair.client->closed.has_value(); }, seconds(60)));
    EXPECT_EQ(pair.client->closed->code, ErrorCode::peer_closed);
    EXPECT_TRUE(pair.client->received == bytes);
    EXPECT_TRUE(pair.client->ended);
    const FaultCounters& f = pair.world.faults();
    EXPECT_GT(f.split_sends, 0u);
    EXPECT_GT(f.split_receives, 0u);
    EXPECT_GT(f.short_sends, 0u);
    EXPECT_GT(f.windows_full, 0u);
  }
}

TEST(Network, BandwidthTakesItsTime) {
  NetworkOptions network;
  network.bandwidth_bytes_per_s = 1'000'000;
  Pair pair(network, false);
  const MonotonicTime start = pair.world.now();
  pair.client->send(Bytes(2'000'000, 'x'));
  pair.world.run_until([&] { return pair.accepted().received.size() == 2'000'000; }, seconds(60));
  EXPECT_GE(pair.world.now() - start, seconds(2));
  EXPECT_LT(pair.world.now() - start, milliseconds(2200));
}

TEST(Network, AnUnreadWindowStopsTheSender) {
  NetworkOptions network;
  network.window_bytes = 10'000;
  Pair pair(network, false);
  pair.accepted().stream->pause_receive();
  pair.client->send(Bytes(10'001, 'x'));
  pair.world.run_for(seconds(10));
  EXPECT_EQ(pair.client->sent, 0);
  EXPECT_EQ(pair.accepted().deliveries, 0);
  pair.accepted().stream->resume_receive();
  pair.world.run_for(seconds(1));
  EXPECT_EQ(pair.client->sent, 1);
  EXPECT_EQ(pair.accepted().received.size(), 10'001u);
}

TEST(Network, AOneWayPartitionHoldsBytesUntilItHeals) {
  Pair pair;
  pair.world.block(2, 1);
  EXPECT_TRUE(pair.world.is_blocked(2, 1));
  EXPECT_FALSE(pair.world.is_blocked(1, 2));
  pair.client->send("held");
  pair.accepted().send("passes");
  pair.world.run_for(seconds(100));
  EXPECT_EQ(pair.accepted().received, "");
  EXPECT_EQ(pair.client->received, "passes");
  pair.world.heal();
  pair.world.run_for(seconds(1));
  EXPECT_EQ(pair.accepted().received, "held");
  EXPECT_EQ(pair.client->received, "passesheld");
  EXPECT_GT(pair.world.faults().packets_held, 0u);
}

TEST(Network, APartitionThatLastsKillsTheConnection) {
  NetworkOptions network;
  network.unreachable_timeout = seconds(20);
  Pair pair(network);
  pair.world.partition({1}, {2});
  pair.client->send("lost");
  pair.world.run_for(seconds(19));
  EXPECT_FALSE(pair.client->closed);
  pair.world.run_for(seconds(2));
  ASSERT_TRUE(pair.client->closed);
  EXPECT_EQ(pair.client->closed->code, ErrorCode::transport_io);
  EXPECT_FALSE(pair.accepted().closed);  // it has nothing under way and cannot know
  EXPECT_EQ(pair.world.faults().unreachable_timeouts, 1u);
  pair.world.heal();
  pair.accepted().send("anyone there?");
  pair.world.run_for(seconds(1));
  EXPECT_EQ(pair.accepted().closed->code, ErrorCode::connection_reset);
}

TEST(Network, AHealedPartitionDoesNotKill) {
  NetworkOptions network;
  network.unreachable_timeout = seconds(20);
  Pair pair(network);
  pair.world.block(1, 2);  // data arrives, its acknowledgement does not
  pair.client->send("x");
  pair.world.run_for(seconds(19));
  pair.world.heal();
  pair.world.run_for(seconds(100));
  EXPECT_EQ(pair.client->received, "x");
  EXPECT_FALSE(pair.client->closed);
}

TEST(Network, AClogDelaysAndClearsByItself) {
  Pair pair;
  pair.world.clog(2, 1, seconds(3));
  pair.client->send("slow");
  pair.world.run_for(seconds(2));
  EXPECT_EQ(pair.accepted().received, "");
  pair.world.run_for(seconds(2));
  EXPECT_EQ(pair.accepted().received, "slow");
}

TEST(Network, ConnectingIntoAPartitionTimesOutOrSucceedsWhenItHeals) {
  World world(1);
  Server server(world.transport(1), 7);
  world.block(2, 1);
  Client late(world.transport(2), host_name(1), 7, seconds(2));
  Client patient(world.transport(2), host_name(1), 7, seconds(9));
  world.run_for(seconds(3));
  ASSERT_TRUE(late.error);
  EXPECT_EQ(late.error->code, ErrorCode::connect_timeout);
  world.heal();
  world.run_for(seconds(1));
  EXPECT_TRUE(patient.stream);
  EXPECT_EQ(server.peers.size(), 1u);
  EXPECT_EQ(world.faults().connect_timeouts, 1u);
}

TEST(Network, ACrashedProcessResetsOrEndsItsConnections) {
  for (const PeersSee mode : {PeersSee::reset, PeersSee::end}) {
    Pair pair;
    pair.accepted().send("last words");
    pair.world.crash(1, mode);
    pair.server.reset();
    pair.world.run_for(seconds(1));
    if (mode == PeersSee::reset) {
      EXPECT_EQ(pair.client->closed->code, ErrorCode::connection_reset);
    } else {
      EXPECT_TRUE(pair.client->ended);
      EXPECT_EQ(pair.client->received, "last words");
      pair.client->send("hello?");
      pair.world.run_for(seconds(1));
      EXPECT_EQ(pair.client->closed->code, ErrorCode::connection_reset);
    }
    Client next(pair.world.transport(2), host_name(1), 7);
    pair.world.run_for(seconds(1));
    EXPECT_EQ(next.error->code, ErrorCode::connection_refused);
  }
}

TEST(Network, ACrashedMachineIsSilentUntilItComesBack) {
  Pair pair;
  pair.world.crash(1, PeersSee::silence);
  pair.server.reset();
  pair.client->send("into the dark");
  Client next(pair.world.transport(2), host_name(1), 7, seconds(2));
  pair.world.run_for(seconds(60));
  EXPECT_FALSE(pair.client->closed);
  EXPECT_EQ(next.error->code, ErrorCode::connect_timeout);
  Server again(pair.world.restart(1), 7);
  pair.world.run_for(seconds(1));
  EXPECT_EQ(pair.client->closed->code, ErrorCode::connection_reset);
  Client third(pair.world.transport(2), host_name(1), 7);
  third.send("back");
  pair.world.run_for(seconds(1));
  EXPECT_EQ(third.received, "back");
}

TEST(Network, APausedProcessIsStillServedByItsKernel) {
  NetworkOptions network;
  network.window_bytes = 1000;
  Pair pair(network);
  pair.world.pause(1);
  pair.client->send(Bytes(1000, 'a'));
  Client second(pair.world.transport(2), host_name(1), 7);
  pair.world.run_for(seconds(10));
  EXPECT_EQ(pair.client->sent, 1);  // the kernel took it
  EXPECT_TRUE(second.stream);       // the backlog took it
  EXPECT_EQ(pair.server->peers.size(), 1u);
  pair.client->send(Bytes(1, 'b'));
  pair.world.run_for(seconds(10));
  EXPECT_EQ(pair.client->sent, 1);  // but it takes no more
  pair.world.resume(1);
  pair.world.run_for(seconds(1));
  EXPECT_EQ(pair.client->received, Bytes(1000, 'a') + "b");
  EXPECT_EQ(pair.server->peers.size(), 2u);
}

TEST(Network, InjectedResetsReachBothSides) {
  Pair pair;
  pair.world.reset_connections(2, 1);
  pair.world.run_for(seconds(1));
  EXPECT_EQ(pair.client->closed->code, ErrorCode::connection_reset);
  EXPECT_EQ(pair.accepted().closed->code, ErrorCode::connection_reset);
  EXPECT_EQ(pair.world.faults().resets, 1u);
}

TEST(Network, FlippedBitsChangeExactlyOneBitPerPacket) {
  NetworkOptions network;
  network.bit_flip_chance = 1;
  Pair pair(network, false);
  pair.client->send(Bytes(1000, '\0'));
  pair.world.run_for(seconds(1));
  unsigned flipped = 0;
  for (const char c : pair.accepted().received) {
    flipped += static_cast<unsigned>(std::popcount(static_cast<unsigned char>(c)));
  }
  EXPECT_EQ(flipped, 1u);
  EXPECT_EQ(pair.world.faults().bit_flips, 1u);
}

TEST(Network, LinksMayDifferFromTheRest) {
  Pair pair({}, false);
  NetworkOptions far;
  far.latency_min = far.latency_max = seconds(1);
  pair.world.set_link_options(2, 1, far);
  EXPECT_EQ(pair.world.sample_latency(2, 1), seconds(1));
  EXPECT_LT(pair.world.sample_latency(1, 2), milliseconds(1));
  pair.client->send("far");
  pair.world.run_for(milliseconds(999));
  EXPECT_EQ(pair.accepted().received, "");
  pair.world.run_for(milliseconds(2));
  EXPECT_EQ(pair.accepted().received, "far");
}

TEST(Network, SeveralLoopsShareAHost) {
  World world(1);
  Server first(world.transport(1), 7);
  Server second(world.add_transport(1), 8);
  EXPECT_EQ(world.add_transport(1).listen({"0.0.0.0", 7}, {}).error().code,
            ErrorCode::address_in_use);
  Client client(world.transport(2), host_name(1), 8);
  world.run_for(seconds(1));
  EXPECT_EQ(second.peers.size(), 1u);
  EXPECT_EQ(first.peers.size(), 0u);
}

}  // namespace
}  // namespace grey::transport::sim
