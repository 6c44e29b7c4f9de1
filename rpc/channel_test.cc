// A channel's life: it connects, notices losses, backs off, connects again, asks its breaker.
#include "rpc/testing/fixture.h"

namespace grey::rpc {
namespace {

using namespace testing;
using Phase = ChannelState::Phase;
using transport::sim::PeersSee;

class Channels : public RpcTest, public ChannelObserver {
 protected:
  Channels() { observer = this; }
  void on_channel_state(const ChannelState& state) override { phases.push_back(state.phase); }

  std::vector<Phase> phases;
};

TEST_F(Channels, ConnectsWhenTheServerComesUpAndBacksOffUntilThen) {
  world.transport(2);  // boots the host: it refuses
  start_channel();
  world.run_for(30s);
  EXPECT_FALSE(channel->is_connected());
  EXPECT_EQ(channel->state().last_error.code, ErrorCode::connection_refused);
  const std::size_t attempts = world.faults().refused;
  EXPECT_GE(attempts, 8u);
  EXPECT_LE(attempts, 40u);
  start_server();
  ASSERT_TRUE(world.run_until([&] { return channel->is_connected(); }, 6s));
  EXPECT_EQ(channel->state().connections, 1u);
  EXPECT_EQ(channel->peer().hello.node_id, 2u);
  ASSERT_GE(phases.size(), 3u);
  EXPECT_EQ(phases.front(), Phase::backing_off);
  EXPECT_EQ(phases.back(), Phase::connected);
}

TEST_F(Channels, CallsFailFastWhileDownAndSayWhy) {
  world.transport(2);
  start_channel();
  world.run_until([&] { return channel->state().phase == Phase::backing_off; }, 5s);
  const MonotonicTime start = world.now();
  call(method::echo, text("x"), 1);
  ASSERT_TRUE(run_until_ended(1));
  EXPECT_EQ(world.now(), start);
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::connection_refused);
  EXPECT_FALSE(sink.ended.at(1).sent);
}

TEST_F(Channels, CallsWaitForAnAttemptUnderWayIfAsked) {
  start_server();
  start_channel();
  for (std::uint64_t i = 0; i < 5; ++i) call(method::echo, text(std::to_string(i)), i);
  ASSERT_TRUE(run_until_ended(5));
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(sink.ended.at(i).body, text(std::to_string(i)));

  channel.reset();
  channel_options.wait_while_connecting = false;
  start_channel();
  call(method::echo, text("x"), 5);
  ASSERT_TRUE(run_until_ended(6));
  EXPECT_EQ(sink.ended.at(5).code, ErrorCode::connection_refused);
}

TEST_F(Channels, WaitingIsBoundedInNumberAndTime) {
  channel_options.session.queue_messages_max = 3;
  channel_options.connect_timeout = 2s;
  world.block(1, 2);
  start_server();
  start_channel();
  for (std::uint64_t i = 0; i < 5; ++i) {
    call(method::echo, text("x"), i, std::chrono::milliseconds(i == 0 ? 100 : 10000));
  }
  ASSERT_TRUE(run_until_ended(2));
  EXPECT_EQ(sink.count(ErrorCode::overloaded), 2u);
  ASSERT_TRUE(run_until_ended(3));
  EXPECT_EQ(sink.ended.at(0).code, ErrorCode::deadline_exceeded);
  ASSERT_TRUE(run_until_ended(5));
  EXPECT_EQ(sink.count(ErrorCode::connect_timeout), 2u);
  for (const auto& [cookie, end] : sink.ended) EXPECT_FALSE(end.sent);
}

TEST_F(Channels, ReconnectsAfterEveryKindOfLoss) {
  channel_options.connection.ping_interval = 200ms;
  channel_options.connection.liveness_timeout = 500ms;
  connect();
  std::uint64_t connections = 1;
  for (const PeersSee see : {PeersSee::reset, PeersSee::end, PeersSee::silence}) {
    world.crash(2, see);
    server.reset();
    ASSERT_TRUE(world.run_until([&] { return !channel->is_connected(); }, 2s));
    EXPECT_GT(channel->state().last_connected, MonotonicTime{});
    world.restart(2);
    start_server();
    ASSERT_TRUE(world.run_until([&] { return channel->is_connected(); }, 20s));
    EXPECT_EQ(channel->state().connections, ++connections);
    call(method::echo, text("x"), connections);
    ASSERT_TRUE(run_until_ended(connections - 1));
    EXPECT_EQ(sink.ended.at(connections).code, ErrorCode::ok);
  }
}

TEST_F(Channels, ASilentPeerIsNoticedWithinTheLivenessTimeout) {
  channel_options.connection.ping_interval = 500ms;
  channel_options.connection.liveness_timeout = 1s;
  connect();
  world.run_for(3s);
  EXPECT_TRUE(channel->is_connected()) << "an idle peer that answers is no silent one";
  EXPECT_GT(channel->state().round_trip, Duration{});
  EXPECT_LT(channel->state().round_trip, 1ms);
  call(method::hold, text("x"), 1, 60s);
  world.run_for(10ms);
  world.pause(2);
  const MonotonicTime frozen = world.now();
  ASSERT_TRUE(run_until_ended(1));
  EXPECT_LE(world.now(), frozen + 1600ms);
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::idle_timeout);
  EXPECT_TRUE(sink.ended.at(1).sent);
  EXPECT_EQ(channel->state().last_error.code, ErrorCode::idle_timeout);
}

TEST_F(Channels, AProcessThatStoodStillDoesNotBlameItsPeer) {
  channel_options.connection.ping_interval = 100ms;
  channel_options.connection.liveness_timeout = 300ms;
  connect();
  for (int i = 0; i < 20; ++i) {
    world.run_for(77ms);
    world.pause(1);
    world.run_for(5s);
    world.resume(1);
  }
  world.run_for(1s);
  EXPECT_EQ(channel->state().connections, 1u);
}

TEST_F(Channels, RefusesAServerThatIsNotWhoItShouldBe) {
  channel_options.session.expected_node = 9;
  start_server();
  start_channel();
  world.run_for(3s);
  EXPECT_FALSE(channel->is_connected());
  EXPECT_EQ(channel->state().last_error.code, ErrorCode::wrong_identity);
}

TEST_F(Channels, TheBreakerOpensOnFailuresAndAReconnectHalfOpensIt) {
  breaker = std::make_unique<breaker::CircuitBreaker>();
  connect();
  for (std::uint64_t i = 0; i < 30; ++i) call(method::hold, text("x"), i, 50ms);
  ASSERT_TRUE(run_until_ended(30));
  EXPECT_EQ(breaker->state(world.now()), breaker::BreakerState::open);

  call(method::echo, text("x"), 100);
  ASSERT_TRUE(run_until_ended(31));
  EXPECT_EQ(sink.ended.at(100).code, ErrorCode::breaker_open);
  EXPECT_FALSE(sink.ended.at(100).sent);

  CallOptions needed{.method = method::fail, .deadline = world.now() + 1s};
  needed.bypass_breaker = true;
  channel->call(needed, {}, sink, 101);
  ASSERT_TRUE(run_until_ended(32));
  EXPECT_EQ(sink.ended.at(101).code, ErrorCode::precondition_failed);
  EXPECT_EQ(breaker->state(world.now()), breaker::BreakerState::half_open) << "a sign of life";

  for (std::uint64_t i = 200; i < 203; ++i) call(method::echo, text("x"), i);
  ASSERT_TRUE(run_until_ended(35));
  EXPECT_EQ(breaker->state(world.now()), breaker::BreakerState::closed);

  for (std::uint64_t i = 300; i < 330; ++i) call(method::hold, text("x"), i, 50ms);
  ASSERT_TRUE(run_until_ended(65));
  ASSERT_EQ(breaker->state(world.now()), breaker::BreakerState::open);
  world.reset_connections(1, 2);
  ASSERT_TRUE(world.run_until([&] { return channel->state().connections == 2; }, 5s));
  EXPECT_EQ(breaker->state(world.now()), breaker::BreakerState::half_open);
}

TEST_F(Channels, APongHalfOpensTheBreaker) {
  channel_options.connection.ping_interval = 300ms;
  breaker = std::make_unique<breaker::CircuitBreaker>();
  connect();
  for (std::uint64_t i = 0; i < 20; ++i) call(method::hold, text("x"), i, 20ms);
  ASSERT_TRUE(run_until_ended(20));
  ASSERT_EQ(breaker->state(world.now()), breaker::BreakerState::open);
  world.run_for(500ms);
  EXPECT_EQ(breaker->state(world.now()), breaker::BreakerState::half_open);
}

TEST_F(Channels, OverloadedAnswersDoNotOpenTheBreaker) {
  flowcontrol::MemoryBudget budget({64u << 20, 0, 0, 0});
  server_options.connection.budget = &budget;
  breaker = std::make_unique<breaker::CircuitBreaker>();
  connect();
  for (std::uint64_t i = 0; i < 100; ++i) call(method::echo, text("x"), i);
  ASSERT_TRUE(run_until_ended(100));
  EXPECT_EQ(sink.count(ErrorCode::overloaded), 100u);
  EXPECT_EQ(breaker->state(world.now()), breaker::BreakerState::closed);
  channel.reset();
  server.reset();
}

TEST_F(Channels, DrainsAndStaysDown) {
  connect();
  call(method::hold, text("x"), 1);
  world.run_for(100ms);
  channel->drain(world.now() + 10s);
  call(method::echo, text("y"), 2);
  ASSERT_TRUE(run_until_ended(1));
  EXPECT_EQ(sink.ended.at(2).code, ErrorCode::closed_locally);
  EXPECT_FALSE(sink.ended.at(2).sent);
  world.run_for(1s);
  ASSERT_TRUE(handler.answer_held(0));
  ASSERT_TRUE(run_until_ended(2));
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::ok);
  ASSERT_TRUE(world.run_until([&] { return channel->state().phase == Phase::idle; }, 2s));
  world.run_for(10s);
  EXPECT_EQ(server->connection_count(), 0u);
  EXPECT_EQ(channel->state().connections, 1u);
}

TEST_F(Channels, ConnectNowSkipsTheBackOff) {
  world.transport(2);
  start_channel();
  world.run_for(60s);
  start_server();
  channel->connect_now();
  const MonotonicTime start = world.now();
  ASSERT_TRUE(world.run_until([&] { return channel->is_connected(); }, 6s));
  EXPECT_LE(world.now() - start, 2ms);
}

TEST_F(Channels, TheObserverMayDestroyTheChannel) {
  struct Destroyer final : ChannelObserver {
    explicit Destroyer(std::unique_ptr<Channel>& c) : channel(c) {}
    void on_channel_state(const ChannelState&) override {
      if (left-- == 0) channel.reset();
    }
    std::unique_ptr<Channel>& channel;
    int left = 0;
  };
  start_server();
  for (int changes = 0; changes < 6; ++changes) {
    Destroyer destroyer(channel);
    destroyer.left = changes;
    observer = &destroyer;
    start_channel();
    for (int i = 0; i < 10 && channel != nullptr; ++i) {
      world.run_for(1s);
      world.reset_connections(1, 2);
    }
    EXPECT_EQ(channel, nullptr);
  }
}

}  // namespace
}  // namespace grey::rpc
