// The ordinary life of calls: answers, errors, order, deadlines, cancellation.
#include "rpc/testing/fixture.h"

namespace grey::rpc {
namespace {

using namespace testing;

class Calls : public RpcTest {};

TEST_F(Calls, ARequestIsAnswered) {
  connect();
  CallOptions options{.method = method::echo, .deadline = world.now() + 1s};
  options.tenant = "acme";
  options.idempotency = {{1, 2}, 3};
  const Bytes body = text("hello");
  channel->call(options, {body, {}}, sink, 77);
  EXPECT_TRUE(sink.ended.empty()) << "never from inside call()";
  ASSERT_TRUE(run_until_ended(1));
  const Ended& end = sink.ended.at(77);
  EXPECT_EQ(end.code, ErrorCode::ok);
  EXPECT_TRUE(end.sent);
  EXPECT_TRUE(end.answered);
  EXPECT_EQ(end.body, body);
  EXPECT_EQ(handler.last_tenant, "acme");
  EXPECT_EQ(handler.last_idempotency, (OperationId{{1, 2}, 3}));
  EXPECT_EQ(handler.last_peer, 1u);
  EXPECT_GT(handler.last_deadline, world.now());
  EXPECT_LE(handler.last_deadline, world.now() + 1001ms);
  EXPECT_EQ(channel->calls_outstanding(), 0u);
}

TEST_F(Calls, AFunctionTakesTheCompletionToo) {
  connect();
  int completed = 0;
  channel->call({.method = method::fail}, {}, [&](const Reply& reply) {
    ++completed;
    EXPECT_EQ(reply.code, ErrorCode::precondition_failed);
    EXPECT_EQ(reply.detail, "as asked");
    EXPECT_EQ(reply.retry_after_ms, 7u);
    EXPECT_TRUE(reply.answered);
  });
  world.run_for(1s);
  EXPECT_EQ(completed, 1);
}

TEST_F(Calls, UnknownMethodsAndUnansweredRespondersAreAnswered) {
  connect();
  call(999, text("x"), 1);
  call(method::drop, text("x"), 2);
  ASSERT_TRUE(run_until_ended(2));
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::unknown_method);
  EXPECT_EQ(sink.ended.at(2).code, ErrorCode::cancelled);
  EXPECT_TRUE(sink.ended.at(2).answered);
}

TEST_F(Calls, ManyOutstandingCallsAreAnsweredOutOfOrder) {
  connect();
  constexpr std::uint64_t count = 500;
  for (std::uint64_t i = 0; i < count; ++i) call(method::hold, text(std::to_string(i)), i);
  ASSERT_TRUE(world.run_until([&] { return handler.held.size() == count; }, 5s));
  Random random(3);
  while (!handler.held.empty()) {
    ASSERT_TRUE(handler.answer_held(random.below(handler.held.size())));
  }
  ASSERT_TRUE(run_until_ended(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    EXPECT_EQ(sink.ended.at(i).code, ErrorCode::ok);
    EXPECT_EQ(sink.ended.at(i).body, text(std::to_string(i)));
  }
  EXPECT_FALSE(std::ranges::is_sorted(sink.order));
}

TEST_F(Calls, CallsOfOneTurnLeaveTogether) {
  connect();
  world.run_for(1s);
  const std::uint64_t events = world.event_count();
  for (std::uint64_t i = 0; i < 100; ++i) call(method::echo, text("x"), i);
  ASSERT_TRUE(run_until_ended(100));
  EXPECT_LT(world.event_count() - events, 40u) << "one send, not a hundred";
}

TEST_F(Calls, AnUnansweredCallEndsAtItsDeadlineAndItsLateAnswerIsIgnored) {
  connect();
  const MonotonicTime start = world.now();
  call(method::hold, text("x"), 1, 300ms);
  ASSERT_TRUE(run_until_ended(1));
  EXPECT_GE(world.now(), start + 300ms);
  EXPECT_LE(world.now(), start + 310ms);
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::deadline_exceeded);
  EXPECT_TRUE(sink.ended.at(1).sent) << "in doubt";
  EXPECT_FALSE(sink.ended.at(1).answered);
  world.run_for(1s);
  ASSERT_EQ(handler.held.size(), 1u);
  EXPECT_TRUE(handler.held[0].second.is_cancelled()) << "the peer was told";
  ASSERT_TRUE(handler.answer_held(0));
  call(method::echo, text("y"), 2);
  ASSERT_TRUE(run_until_ended(2));
  EXPECT_EQ(sink.ended.at(2).body, text("y"));
}

TEST_F(Calls, ACallThatHasExpiredNeverLeaves) {
  connect();
  call(method::echo, text("x"), 1, 0ms);
  ASSERT_TRUE(run_until_ended(1));
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::deadline_exceeded);
  EXPECT_FALSE(sink.ended.at(1).sent);
  world.run_for(1s);
  EXPECT_EQ(handler.requests, 0);
}

TEST_F(Calls, CancellingCompletesAtOnceAndTellsThePeer) {
  connect();
  handler.next_cookie = 500;
  const CallId first = call(method::hold, text("x"), 1);
  const CallId second = call(method::hold, text("y"), 2);
  ASSERT_TRUE(world.run_until([&] { return handler.held.size() == 2; }, 5s));
  EXPECT_TRUE(channel->cancel(second));
  EXPECT_FALSE(channel->cancel(second));
  EXPECT_TRUE(sink.ended.empty()) << "never from inside cancel()";
  ASSERT_TRUE(run_until_ended(1));
  EXPECT_EQ(sink.ended.at(2).code, ErrorCode::cancelled);
  EXPECT_TRUE(sink.ended.at(2).sent);
  world.run_for(1s);
  ASSERT_EQ(handler.cancels.size(), 1u);
  EXPECT_EQ(handler.cancels[0], std::make_pair(std::uint64_t{501}, ErrorCode::cancelled));
  EXPECT_FALSE(handler.held[0].second.is_cancelled());
  EXPECT_TRUE(handler.held[1].second.is_cancelled());
  while (!handler.held.empty()) ASSERT_TRUE(handler.answer_held(0));
  ASSERT_TRUE(run_until_ended(2));
  world.run_for(1s);
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::ok);
  EXPECT_FALSE(channel->cancel(first));
}

TEST_F(Calls, AnAnswerBeyondItsLimitIsRefusedOnBothSides) {
  connect();
  CallOptions options{.method = method::hold, .deadline = world.now() + 5s};
  options.reply_bytes_max = 1000;
  channel->call(options, {text("x"), {}}, sink, 1);
  ASSERT_TRUE(world.run_until([&] { return handler.held.size() == 1; }, 5s));
  Responder responder = std::move(handler.held[0].second);
  EXPECT_TRUE(responder.is_wanted());
  const Status answered = responder.answer({text(Bytes(2000, 'z')), {}});
  EXPECT_EQ(answered.error().code, ErrorCode::reply_too_large);
  EXPECT_FALSE(responder.is_wanted());
  ASSERT_TRUE(run_until_ended(1));
  EXPECT_EQ(sink.ended.at(1).code, ErrorCode::reply_too_large);
}

TEST_F(Calls, OnewayMessagesArrive) {
  connect();
  for (int i = 0; i < 5000; ++i) {
    const Status sent = channel->send_oneway({.method = 9}, {text(std::to_string(i)), {}});
    if (!sent) {
      EXPECT_EQ(sent.error().code, ErrorCode::overloaded);
      world.run_for(10ms);
      --i;
    }
  }
  world.run_for(1s);
  ASSERT_EQ(handler.oneways.size(), 5000u);
  EXPECT_EQ(handler.oneways[4999], text("4999"));
}

TEST_F(Calls, CompletionsMayMakeCalls) {
  connect();
  std::uint64_t made = 1;
  sink.after_reply = [&](std::uint64_t) {
    if (made < 200) call(made % 3 == 0 ? method::fail : method::echo, text("x"), made), ++made;
  };
  call(method::echo, text("x"), 0);
  ASSERT_TRUE(run_until_ended(200));
}

}  // namespace
}  // namespace grey::rpc
