// Credit, memory and large messages: what is taken comes back, and slow readers slow themselves.
#include "rpc/testing/fixture.h"

namespace grey::rpc {
namespace {

using namespace testing;

class Flow : public RpcTest {
 protected:
  explicit Flow() { server_options.connection.budget = &budget; }

  // The client's window is what the server granted; all of it is back once nothing is under way.
  // (Grants are due at half, so what is not yet granted anew is counted as released there.)
  void expect_all_returned() {
    world.run_for(1s);
    EXPECT_EQ(handler.held.size(), 0u);
    EXPECT_EQ(channel->calls_outstanding(), 0u);
    EXPECT_EQ(budget.used(flowcontrol::Pool::egress), 0u);
    EXPECT_EQ(budget.used(flowcontrol::Pool::ingress),
              server_options.session.lanes[1].credit_bytes * server->connection_count());
    for (const protocol::SessionStats& stats : server->connection_stats()) {
      EXPECT_EQ(stats.credit_bytes_held, 0u);
      EXPECT_EQ(stats.credit_messages_held, 0u);
      EXPECT_EQ(stats.admitted_bytes, 0u);
      EXPECT_EQ(stats.requests_unanswered, 0u);
    }
  }
  protocol::Body large(std::size_t bytes) {
    large_head_.clear();
    msgpack::Writer(large_head_).bin_header(bytes);
    return {large_head_, SharedBytes(Bytes(bytes, 'L'))};
  }

  flowcontrol::MemoryBudget budget{{64u << 20, 32u << 20, 0, 0}};
  Bytes large_head_;
};

TEST_F(Flow, CreditAndRoomComeBackAfterAnyMix) {
  connect();
  Random random(9);
  std::uint64_t made = 0;
  std::vector<CallId> ids;
  for (int round = 0; round < 400; ++round) {
    for (std::uint64_t n = random.below(20); n > 0; --n) {
      const auto m = static_cast<std::uint32_t>(random.between(1, 5));
      const Bytes body = text(Bytes(random.below(random.chance(0.1) ? 20000 : 200), 'm'));
      ids.push_back(call(m, body, made++, random.between(1ms, 300ms)));
    }
    if (random.chance(0.5) && !ids.empty()) channel->cancel(ids[random.below(ids.size())]);
    world.run_for(random.between(0ms, 10ms));
    while (!handler.held.empty() && random.chance(0.7)) {
      (void)handler.answer_held(random.below(handler.held.size()));
    }
  }
  handler.held.clear();
  ASSERT_TRUE(run_until_ended(made));
  expect_all_returned();
  EXPECT_EQ(channel->state().connections, 1u);
}

TEST_F(Flow, LargeValuesTravelBothWays) {
  connect();
  for (const std::size_t bytes : {std::size_t{1} << 20, std::size_t{20} << 20}) {
    sink.ended.clear();
    CallOptions options{.method = method::echo, .deadline = world.now() + 30s};
    options.reply_bytes_max = 32u << 20;
    const protocol::Body body = large(bytes);
    channel->call(options, body, sink, 1);
    for (std::uint64_t i = 0; i < 10; ++i) call(method::echo, text("small"), 100 + i);
    ASSERT_TRUE(run_until_ended(11));
    EXPECT_EQ(sink.ended.at(1).code, ErrorCode::ok) << sink.ended.at(1).detail;
    EXPECT_EQ(sink.ended.at(1).body, Bytes(body.head) + Bytes(body.value.view()));
    EXPECT_EQ(sink.order.back(), 1u) << "small ones are not behind a large one";
  }
  expect_all_returned();
}

TEST_F(Flow, AMessageThatDoesNotFitTheBudgetIsAnsweredOverloaded) {
  budget = flowcontrol::MemoryBudget({6u << 20, 32u << 20, 0, 0});
  connect();
  CallOptions options{.method = method::echo, .deadline = world.now() + 30s};
  channel->call(options, large(8u << 20), sink, 1);
  ASSERT_TRUE(run_until_ended(1));
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::overloaded);
  EXPECT_TRUE(sink.ended.at(1).answered);
  EXPECT_GT(sink.ended.at(1).retry_after_ms, 0u);
  EXPECT_EQ(handler.requests, 0);
  call(method::echo, text("small"), 2);
  ASSERT_TRUE(run_until_ended(2));
  EXPECT_EQ(sink.ended.at(2).code, ErrorCode::ok);
  expect_all_returned();
}

TEST_F(Flow, RequestsBeyondTheEgressBudgetAreAnsweredOverloaded) {
  budget = flowcontrol::MemoryBudget({64u << 20, 10 * (64u << 10), 0, 0});
  connect();
  for (std::uint64_t i = 0; i < 50; ++i) call(method::hold, text("x"), i);
  ASSERT_TRUE(run_until_ended(40));
  EXPECT_EQ(sink.count(ErrorCode::overloaded), 40u);
  EXPECT_EQ(handler.held.size(), 10u);
  while (!handler.held.empty()) ASSERT_TRUE(handler.answer_held(0));
  ASSERT_TRUE(run_until_ended(50));
  EXPECT_EQ(sink.count(ErrorCode::ok), 10u);
  expect_all_returned();
}

TEST_F(Flow, AnAnswerThatFindsNoRoomBecomesOverloaded) {
  budget = flowcontrol::MemoryBudget({64u << 20, 1u << 20, 0, 0});
  connect();
  CallOptions options{.method = method::hold, .deadline = world.now() + 30s};
  options.reply_bytes_max = 8u << 20;
  channel->call(options, {text("x"), {}}, sink, 1);
  ASSERT_TRUE(world.run_until([&] { return handler.held.size() == 1; }, 5s));
  const Status answered = handler.held[0].second.answer(large(4u << 20));
  EXPECT_EQ(answered.error().code, ErrorCode::overloaded);
  handler.held.clear();
  ASSERT_TRUE(run_until_ended(1));
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::overloaded);
  expect_all_returned();
}

// A server that never answers holds the window shut: the caller's queue fills, then calls are
// refused at once, and everything flows again once it answers.
TEST_F(Flow, ASlowServerSlowsItsCallers) {
  server_options.session.lanes[1].credit_messages = 16;
  channel_options.session.queue_messages_max = 100;
  connect();
  for (std::uint64_t i = 0; i < 300; ++i) call(method::hold, text("x"), i);
  world.run_for(100ms);
  EXPECT_EQ(handler.held.size(), 16u) << "as many as it granted";
  EXPECT_EQ(sink.count(ErrorCode::overloaded), 300u - 16u - 100u);
  for (const auto& [cookie, end] : sink.ended) EXPECT_FALSE(end.sent);
  while (sink.ended.size() < 300) {
    if (!handler.held.empty()) {
      ASSERT_TRUE(handler.answer_held(0));
    }
    world.run_for(1ms);
  }
  EXPECT_EQ(sink.count(ErrorCode::ok), 116u);
  expect_all_returned();
}

// A client that does not read its answers: the server's output stays bounded, and the client is cut
// off when the write stalls.
TEST_F(Flow, AClientThatDoesNotReadIsBoundedAndCutOff) {
  server_options.session.lanes[1].credit_messages = 2000;
  server_options.connection.output_bytes_high = 256u << 10;
  server_options.connection.output_bytes_max = 1u << 20;
  server_options.connection.write_stall_timeout = 3s;
  connect();
  for (std::uint64_t i = 0; i < 1000; ++i) call(method::swell, text("x"), i, 60s);
  world.step();
  world.step();
  world.pause(1);
  const MonotonicTime start = world.now();
  world.run_for(1s);
  EXPECT_GT(handler.requests, 20);
  EXPECT_LT(handler.requests, 60) << "the rest was refused before it was handled";
  EXPECT_GT(budget.used(flowcontrol::Pool::egress), 500u << 10);
  EXPECT_LE(budget.used_max(flowcontrol::Pool::egress), 2u << 20);
  EXPECT_GT(server->connection_stats().at(0).credit_messages_held, 0u) << "no credit for more";
  ASSERT_TRUE(world.run_until([&] { return server->connection_count() == 0; }, 10s));
  EXPECT_LE(world.now(), start + 4s);
  EXPECT_EQ(server->stats().closed_by_code.at(ErrorCode::write_stalled), 1u);
  EXPECT_EQ(budget.used(flowcontrol::Pool::egress), 0u);
  world.resume(1);
  ASSERT_TRUE(run_until_ended(1000));
}

// The same client, but slow rather than dead: everything arrives, and nothing is left behind.
TEST_F(Flow, AClientThatReadsSlowlyGetsEverythingThatWasAccepted) {
  server_options.connection.output_bytes_high = 256u << 10;
  server_options.connection.output_bytes_max = 8u << 20;
  connect();
  std::uint64_t made = 0;
  for (int i = 0; i < 200; ++i) {
    for (int j = 0; j < 10; ++j) call(method::swell, text("x"), made++, 60s);
    world.run_for(1ms);
    world.pause(1);
    world.run_for(20ms);
    world.resume(1);
  }
  ASSERT_TRUE(run_until_ended(made));
  EXPECT_EQ(sink.count(ErrorCode::ok), made);
  expect_all_returned();
}

}  // namespace
}  // namespace grey::rpc
