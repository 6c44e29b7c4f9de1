// The accepting side: limits, refusals, replaced connections, draining.
#include "rpc/testing/fixture.h"

namespace grey::rpc {
namespace {

using namespace testing;

class Servers : public RpcTest {
 protected:
  std::unique_ptr<Channel> open_channel(NodeId node, protocol::PeerRole role) {
    ChannelOptions options = channel_options;
    options.session.node_id = role == protocol::PeerRole::node ? node : 0;
    options.session.self = role;
    options.session.client_id = {role == protocol::PeerRole::client ? node : 0u, 0};
    auto opened = std::make_unique<Channel>(world.transport(1), options);
    opened->start();
    return opened;
  }
};

TEST_F(Servers, TellsPeersBeyondItsLimit) {
  server_options.connections_max = 3;
  start_server();
  std::vector<std::unique_ptr<Channel>> channels;
  for (NodeId i = 1; i <= 6; ++i) channels.push_back(open_channel(i, protocol::PeerRole::client));
  world.run_for(1s);
  int connected = 0;
  for (const auto& opened : channels) {
    connected += opened->is_connected();
    if (!opened->is_connected()) {
      EXPECT_EQ(opened->state().last_error.code, ErrorCode::too_many_connections);
    }
  }
  EXPECT_EQ(connected, 3);
  for (auto& opened : channels) {
    if (opened->is_connected()) opened.reset();
  }
  world.run_for(20s);
  connected = 0;
  for (const auto& opened : channels) connected += opened != nullptr && opened->is_connected();
  EXPECT_EQ(connected, 3) << "room again";
}

TEST_F(Servers, ReceiveWindowsNeverExceedTheIngressBudget) {
  flowcontrol::MemoryBudget budget({10u << 20, 1u << 20, 0, 0});
  server_options.connection.budget = &budget;
  start_server();
  std::vector<std::unique_ptr<Channel>> channels;
  for (NodeId i = 1; i <= 20; ++i) channels.push_back(open_channel(i, protocol::PeerRole::client));
  world.run_for(60s);
  int connected = 0;
  for (const auto& opened : channels) connected += opened->is_connected();
  EXPECT_GE(connected, 6);  // an unknown lane needs 4 MiB for a moment, the data lane 1 MiB
  EXPECT_LE(connected, 10);
  EXPECT_EQ(budget.used(flowcontrol::Pool::ingress), static_cast<std::uint64_t>(connected) << 20);
  budget.check_invariants();
  channels.clear();
  world.run_for(1s);
  EXPECT_EQ(budget.used(flowcontrol::Pool::ingress), 0u);
  server.reset();
}

TEST_F(Servers, AuthoriseRefusesWithItsCode) {
  server_options.authorise = [](const protocol::PeerInfo& peer) -> Status {
    if (peer.hello.role == protocol::PeerRole::node) return {};
    return fail(ErrorCode::unauthorised, "nodes only");
  };
  start_server();
  const auto node = open_channel(1, protocol::PeerRole::node);
  const auto client = open_channel(5, protocol::PeerRole::client);
  client->call({.method = method::echo, .deadline = world.now() + 1s}, {}, sink, 1);
  world.run_for(1s);
  EXPECT_TRUE(node->is_connected());
  EXPECT_FALSE(client->is_connected());
  EXPECT_EQ(client->state().last_error.code, ErrorCode::unauthorised);
  EXPECT_EQ(handler.requests, 0);
}

TEST_F(Servers, ANodesNewConnectionReplacesItsOldOne) {
  start_server();
  const auto first = open_channel(1, protocol::PeerRole::node);
  world.run_for(100ms);
  ASSERT_TRUE(first->is_connected());
  channel_options.session.incarnation = 2;
  const auto second = open_channel(1, protocol::PeerRole::node);
  world.run_until([&] { return second->is_connected(); }, 5s);
  world.run_until([&] { return !first->is_connected(); }, 5s);
  EXPECT_EQ(first->state().last_error.code, ErrorCode::duplicate_connection);
  EXPECT_TRUE(second->is_connected());
  const auto other_lane = [&] {
    channel_options.session.lane = protocol::Lane::bulk;
    return open_channel(1, protocol::PeerRole::node);
  }();
  world.run_until([&] { return other_lane->is_connected(); }, 5s);
  EXPECT_TRUE(other_lane->is_connected());
}

TEST_F(Servers, AnEarlierStartOfANodeDoesNotReplaceALaterOne) {
  start_server();
  channel_options.session.incarnation = 2;
  const auto current = open_channel(1, protocol::PeerRole::node);
  world.run_for(100ms);
  ASSERT_TRUE(current->is_connected());
  channel_options.session.incarnation = 1;
  const auto stale = open_channel(1, protocol::PeerRole::node);
  world.run_for(5s);
  EXPECT_FALSE(stale->is_connected());
  EXPECT_EQ(stale->state().last_error.code, ErrorCode::duplicate_connection);
  EXPECT_TRUE(current->is_connected());
  EXPECT_EQ(current->state().connections, 1u);
}

TEST_F(Servers, APeerThatNeverSaysHelloIsClosedInTime) {
  server_options.session.handshake_timeout = 2s;
  start_server();
  std::unique_ptr<transport::Stream> mute;
  const auto attempt = world.transport(1).connect(
      {"10.0.0.2", port}, never,
      [&](Result<std::unique_ptr<transport::Stream>> stream) { mute = std::move(*stream); });
  ASSERT_TRUE(world.run_until([&] { return server->connection_count() == 1; }, 1s));
  const MonotonicTime start = world.now();
  ASSERT_TRUE(world.run_until([&] { return server->connection_count() == 0; }, 10s));
  EXPECT_LE(world.now(), start + 3s + 10ms);
  EXPECT_EQ(server->stats().closed_by_code.at(ErrorCode::handshake_timeout), 1u);
}

TEST_F(Servers, DrainLetsOutstandingRequestsFinish) {
  connect();
  call(method::hold, text("x"), 1);
  world.run_for(10ms);
  bool drained = false;
  server->drain(world.now() + 10s, [&] { drained = true; });
  world.run_for(1s);
  EXPECT_FALSE(drained);
  call(method::echo, text("y"), 2);
  ASSERT_TRUE(run_until_ended(1));
  EXPECT_EQ(sink.ended.at(2).code, ErrorCode::shutting_down);
  EXPECT_FALSE(sink.ended.at(2).sent);
  ASSERT_TRUE(handler.answer_held(0));
  ASSERT_TRUE(world.run_until([&] { return drained; }, 2s));
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::ok);
  EXPECT_EQ(server->stats().closed_by_code.at(ErrorCode::closed_locally), 1u);
}

// Calls made in the very moments of a drain are answered, or certainly not sent: never in doubt.
// Also those that wait for credit when the GOAWAY comes.
TEST_F(Servers, DrainLeavesNoCallInDoubt) {
  for (const std::uint64_t credit_messages : {1024, 4}) {
    RpcWorld fresh(credit_messages);
    fresh.server_options.session.lanes[1].credit_messages = credit_messages;
    fresh.start_server();
    fresh.start_channel();
    std::uint64_t made = 0;
    for (int round = 0; round < 60; ++round) {
      ASSERT_TRUE(fresh.world.run_until([&] { return fresh.channel->is_connected(); }, 20s));
      for (int i = 0; i < 50; ++i) {
        fresh.call(method::echo, text("x"), made++);
        fresh.call(method::echo, text("y"), made++);
        fresh.world.run_for(10us);
        if (i == round % 50) fresh.server->drain(fresh.world.now() + 10s, [] {});
      }
      ASSERT_TRUE(fresh.run_until_ended(made));
      fresh.world.run_for(1s);
      EXPECT_EQ(fresh.server->connection_count(), 0u);
      EXPECT_EQ(fresh.server->stats().closed_by_code.at(ErrorCode::closed_locally), 1u);
      fresh.start_server();
    }
    for (const auto& [cookie, end] : fresh.sink.ended) {
      EXPECT_TRUE(end.answered || !end.sent) << cookie << " " << error_name(end.code);
    }
    EXPECT_GT(fresh.sink.count(ErrorCode::ok), 100u);
  }
}

TEST_F(Servers, ADrainThatLastsTooLongIsCutShort) {
  connect();
  call(method::hold, text("x"), 1, 60s);
  world.run_for(10ms);
  bool drained = false;
  server->drain(world.now() + 2s, [&] { drained = true; });
  ASSERT_TRUE(world.run_until([&] { return drained; }, 4s));
  ASSERT_TRUE(run_until_ended(1));
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::shutting_down);
  EXPECT_TRUE(sink.ended.at(1).sent);
  EXPECT_FALSE(handler.held[0].second.is_wanted());
}

TEST_F(Servers, ListeningOnAPortInUseFails) {
  start_server();
  Server second(world.transport(2), server_options, handler);
  const Status listening = second.listen({"0.0.0.0", port});
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, ErrorCode::address_in_use);
}

TEST_F(Servers, LossOfTheConnectionCancelsWhatAskedForIt) {
  connect();
  handler.next_cookie = 900;
  call(method::hold, text("x"), 1);
  world.run_for(10ms);
  world.reset_connections(1, 2);
  world.run_for(100ms);
  ASSERT_EQ(handler.cancels.size(), 1u);
  EXPECT_EQ(handler.cancels[0], std::make_pair(std::uint64_t{900}, ErrorCode::connection_reset));
  EXPECT_FALSE(handler.held[0].second.is_wanted());
  EXPECT_FALSE(handler.answer_held(0)) << "does nothing";
}

}  // namespace
}  // namespace grey::rpc
