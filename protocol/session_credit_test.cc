// Credit: what may be sent, what waits, what comes back, and what a cheat gets.
#include <gtest/gtest.h>

#include "base/endian.h"
#include "base/hash.h"
#include "base/random.h"
#include "protocol/frame_writer.h"
#include "protocol/msgpack_writer.h"
#include "protocol/testing/session_pair.h"

namespace grey::protocol {
namespace {

using testing::example_config;
using testing::SessionPair;
using testing::Side;
using testing::take_all;

SessionPair with_window(std::uint64_t bytes, std::uint64_t messages) {
  auto acceptor = example_config(SessionRole::acceptor);
  acceptor.lanes[1].credit_bytes = bytes;
  acceptor.lanes[1].credit_messages = messages;
  return {example_config(SessionRole::initiator), acceptor};
}

Bytes body_of(std::size_t size) {
  Bytes body;
  msgpack::Writer(body).bin(Bytes(size, 'b'));
  return body;
}

void release_all(Side& side, Instant at) {
  for (const auto& request : side.events.requests) side.session.release(request.token, at);
  for (const auto& oneway : side.events.oneways) side.session.release(oneway.token, at);
  side.events.requests.clear();
  side.events.oneways.clear();
}

TEST(Credit, MessagesBeyondItWaitAndLeaveInOrderWhenItReturns) {
  SessionPair pair = with_window(1 << 20, 4);
  pair.handshake();
  for (std::uint32_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(pair.initiator.session.send_oneway({.method = i}, {}, pair.at).has_value());
  }
  std::vector<std::uint32_t> methods;
  while (methods.size() < 10) {
    pair.run();
    ASSERT_LE(pair.acceptor.events.oneways.size(), 4u);
    ASSERT_FALSE(pair.acceptor.events.oneways.empty());
    for (const auto& oneway : pair.acceptor.events.oneways) methods.push_back(oneway.method);
    release_all(pair.acceptor, pair.at);
  }
  EXPECT_TRUE(std::ranges::is_sorted(methods));
  pair.run();
  EXPECT_EQ(pair.initiator.session.stats().credit_messages_available, 4u);
}

TEST(Credit, PriorityPassesWhatIsQueuedAndNothingElse) {
  SessionPair pair = with_window(1 << 20, 2);
  pair.handshake();
  const auto send = [&](std::uint32_t method, bool priority) {
    ASSERT_TRUE(
        pair.initiator.session.send_oneway({.method = method, .priority = priority}, {}, pair.at)
            .has_value());
  };
  send(1, false), send(2, false);  // serialised at once
  send(3, false), send(4, false), send(5, true), send(6, true);
  std::vector<std::uint32_t> methods;
  for (int i = 0; i < 3; ++i) {
    pair.run();
    for (const auto& oneway : pair.acceptor.events.oneways) methods.push_back(oneway.method);
    release_all(pair.acceptor, pair.at);
  }
  EXPECT_EQ(methods, (std::vector<std::uint32_t>{1, 2, 5, 6, 3, 4}));
}

TEST(Credit, GrantsAreDueAtHalfTheWindow) {
  SessionPair pair = with_window(1 << 20, 8);
  pair.handshake();
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(pair.initiator.session.send_oneway({}, {}, pair.at).has_value());
  }
  pair.run();
  const auto tokens = pair.acceptor.events.oneways;
  ASSERT_EQ(tokens.size(), 8u);
  for (int i = 0; i < 3; ++i) {
    pair.acceptor.session.release(tokens[static_cast<std::size_t>(i)].token, pair.at);
    EXPECT_FALSE(pair.acceptor.session.has_output());
  }
  pair.acceptor.session.release(tokens[3].token, pair.at);
  pair.run();
  EXPECT_EQ(pair.initiator.session.stats().credit_messages_available, 4u);
  EXPECT_EQ(pair.acceptor.session.stats().credit_messages_held, 4u);
}

TEST(Credit, TheQueueIsBoundedAndSaysWhenThereIsRoom) {
  auto initiator = example_config(SessionRole::initiator);
  initiator.queue_messages_max = 3;
  auto acceptor = example_config(SessionRole::acceptor);
  acceptor.lanes[1].credit_messages = 1;
  SessionPair pair(initiator, acceptor);
  pair.handshake();
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(pair.initiator.session.send_request({}, {}, pair.at).has_value());
  }
  EXPECT_EQ(pair.initiator.session.send_request({}, {}, pair.at).error().code,
            ErrorCode::overloaded);
  EXPECT_EQ(pair.initiator.session.stats().requests_outstanding, 4u) << "the refused one is not";
  pair.run();
  EXPECT_EQ(pair.initiator.events.send_possible_count, 0);
  release_all(pair.acceptor, pair.at);
  pair.run();
  EXPECT_EQ(pair.initiator.events.send_possible_count, 1);
  EXPECT_TRUE(pair.initiator.session.send_request({}, {}, pair.at).has_value());
}

TEST(Credit, RequestsReserveTheirReplies) {
  auto initiator = example_config(SessionRole::initiator);
  initiator.reply_bytes_outstanding_max = 3000;
  SessionPair pair(initiator, example_config(SessionRole::acceptor));
  pair.handshake();
  ASSERT_TRUE(
      pair.initiator.session.send_request({.reply_bytes_max = 2000}, {}, pair.at).has_value());
  EXPECT_EQ(
      pair.initiator.session.send_request({.reply_bytes_max = 2000}, {}, pair.at).error().code,
      ErrorCode::overloaded);
  ASSERT_TRUE(
      pair.initiator.session.send_request({.reply_bytes_max = 10}, {}, pair.at).has_value());
  EXPECT_EQ(pair.initiator.session.stats().reply_bytes_reserved, 2512u) << "512 at least";
  pair.run();
  for (const auto& request : pair.acceptor.events.requests) {
    ASSERT_TRUE(pair.acceptor.session.send_response(request.reply_to, {}, {}, pair.at).has_value());
  }
  pair.run();
  EXPECT_EQ(pair.initiator.session.stats().reply_bytes_reserved, 0u);
  EXPECT_EQ(pair.initiator.events.send_possible_count, 1);
}

TEST(Credit, RepliesNeedNone) {
  auto initiator = example_config(SessionRole::initiator);
  initiator.lanes[1].credit_bytes = 4096;
  initiator.lanes[1].credit_messages = 1;
  SessionPair pair(initiator, example_config(SessionRole::acceptor));
  pair.handshake();
  const Bytes body = body_of(60'000);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(pair.initiator.session.send_request({}, {}, pair.at).has_value());
  }
  pair.run();
  for (const auto& request : pair.acceptor.events.requests) {
    ASSERT_TRUE(pair.acceptor.session.send_response(request.reply_to, {}, {.head = body}, pair.at)
                    .has_value());
  }
  pair.run();
  EXPECT_EQ(pair.initiator.events.responses.size(), 20u);
}

TEST(Credit, UnsentRequestsAreCancelledWithoutATrace) {
  SessionPair pair = with_window(1 << 20, 1);
  pair.handshake();
  ASSERT_TRUE(pair.initiator.session.send_request({.method = 1}, {}, pair.at).has_value());
  const auto queued = pair.initiator.session.send_request({.method = 2}, {}, pair.at);
  EXPECT_EQ(pair.initiator.session.send_cancel(*queued, ErrorCode::cancelled, pair.at),
            CancelResult::unsent);
  pair.run();
  release_all(pair.acceptor, pair.at);
  pair.run();
  EXPECT_TRUE(pair.acceptor.events.requests.empty());
  EXPECT_TRUE(pair.acceptor.events.cancels.empty());
  EXPECT_EQ(pair.initiator.session.stats().requests_outstanding, 1u);
}

// A peer made by hand: writes whatever envelope it is given, with right frames around it.
struct Cheat {
  explicit Cheat(SessionPair& pair) : side(pair.acceptor), at(pair.at) {
    pair.initiator.session.start(at);
    side.session.start(at);
    side.session.receive(take_all(pair.initiator.session, at), at);
    SendBatch hello;
    writer.write(hello, 0, 0, {});  // uses up message id 1
  }
  void send(ByteView envelope, std::uint16_t flags = 0) {
    SendBatch batch;
    writer.write(batch, flags, 0, {.head = envelope});
    side.session.receive(batch.flatten(), at);
  }
  template <typename Message>
  void send_control(const Message& message) {
    char envelope[limit::envelope_head_bytes];
    const char* const end = encode(message, envelope);
    send({envelope, static_cast<std::size_t>(end - envelope)});
  }
  void send_oneway(std::size_t body_bytes) {
    char head[limit::envelope_head_bytes];
    const char* const end = encode_head(OnewayView{.method = 1}, head);
    send(Bytes(head, static_cast<std::size_t>(end - head)) + body_of(body_bytes));
  }
  Side& side;
  Instant at;
  FrameWriter writer;
};

TEST(Credit, ExceedingItIsAViolation) {
  SessionPair messages = with_window(1 << 20, 3);
  Cheat by_messages(messages);
  for (int i = 0; i < 3; ++i) by_messages.send_oneway(1);
  EXPECT_EQ(messages.acceptor.events.failed_count, 0);
  by_messages.send_oneway(1);
  EXPECT_TRUE(messages.acceptor.has_failed(ErrorCode::credit_violation));
  EXPECT_EQ(messages.acceptor.events.oneways.size(), 3u);

  SessionPair bytes = with_window(5000, 100);
  Cheat by_bytes(bytes);
  by_bytes.send_oneway(4900);
  EXPECT_EQ(bytes.acceptor.events.failed_count, 0);
  by_bytes.send_oneway(4900);
  EXPECT_TRUE(bytes.acceptor.has_failed(ErrorCode::credit_violation));
}

TEST(Credit, GrantsThatGoBackOrBeyondTheWindowAreRefused) {
  SessionPair back;
  Cheat goes_back(back);
  goes_back.send_control(Credit{100, 100});
  EXPECT_TRUE(back.acceptor.has_failed(ErrorCode::bad_credit));

  SessionPair beyond;
  Cheat goes_beyond(beyond);
  goes_beyond.send_control(Credit{1ull << 40, 1ull << 40});
  EXPECT_TRUE(beyond.acceptor.has_failed(ErrorCode::bad_credit));

  SessionPair same;
  Cheat repeats(same);
  repeats.send_control(Credit{1u << 20, 1024});
  EXPECT_EQ(same.acceptor.events.failed_count, 0);
}

TEST(Credit, ControlFloodsAreCut) {
  SessionPair pair;
  Cheat cheat(pair);
  for (int i = 0; i < 1024; ++i) cheat.send_control(Cancel{.id = 1});
  EXPECT_EQ(pair.acceptor.events.failed_count, 0);
  cheat.send_control(Cancel{.id = 1});
  EXPECT_TRUE(pair.acceptor.has_failed(ErrorCode::control_flood));

  // A peer that pings as fast as its PONGs are taken is no flood; one that does not read is.
  SessionPair pinging;
  pinging.handshake();
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(pinging.initiator.session.ping(1, pinging.at).has_value());
    pinging.run();
  }
  EXPECT_EQ(pinging.acceptor.events.failed_count, 0);
  EXPECT_EQ(pinging.initiator.events.pongs.size(), 5000u);

  // Time gives some back.
  SessionPair patient;
  Cheat steady(patient);
  for (int i = 0; i < 20'000; ++i) {
    steady.at.now += std::chrono::milliseconds(2);
    steady.send_control(Cancel{.id = 1});
  }
  EXPECT_EQ(patient.acceptor.events.failed_count, 0);
}

TEST(Credit, ResponsesNobodyAskedForAreRefused) {
  SessionPair pair;
  Cheat cheat(pair);
  char head[limit::envelope_head_bytes];
  const char* const end = encode_head(ResponseView{.request_id = 1}, head);
  cheat.send(Bytes(head, static_cast<std::size_t>(end - head)) + "\xc0");
  EXPECT_TRUE(pair.acceptor.has_failed(ErrorCode::unexpected_message));
}

TEST(Credit, TheIdempotentFlagAndTheRequestMustAgree) {
  const auto request_envelope = [](OperationId id) {
    char head[limit::envelope_head_bytes];
    const char* const end = encode_head(RequestView{.request_id = 1, .idempotency = id}, head);
    return Bytes(head, static_cast<std::size_t>(end - head)) + "\xc0";
  };
  SessionPair missing;
  Cheat(missing).send(request_envelope({{1, 1}, 1}), 0);
  EXPECT_TRUE(missing.acceptor.has_failed(ErrorCode::unknown_flags));
  SessionPair needless;
  Cheat(needless).send(request_envelope({}), flag::idempotent);
  EXPECT_TRUE(needless.acceptor.has_failed(ErrorCode::unknown_flags));
  SessionPair control;
  Cheat(control).send("\x92\x03\x01", flag::idempotent);
  EXPECT_TRUE(control.acceptor.has_failed(ErrorCode::unknown_flags));
}

TEST(Credit, IsConservedOverRandomTraffic) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    SessionPair pair = with_window(8192 + random.below(1 << 18), 1 + random.below(40));
    const auto window_bytes = pair.acceptor.session.stats().credit_bytes_held;
    EXPECT_EQ(window_bytes, 0u);
    pair.handshake();
    const auto initial = pair.initiator.session.stats();
    std::uint64_t sent = 0;
    for (int step = 0; step < 400; ++step) {
      const Bytes body = body_of(random.below(random.chance(0.05) ? 300'000 : 3000));
      const RequestOptions options{.method = 1, .priority = random.chance(0.2)};
      if (const auto id = pair.initiator.session.send_request(options, {.head = body}, pair.at)) {
        ++sent;
        if (random.chance(0.2)) {
          const auto cancelled =
              pair.initiator.session.send_cancel(*id, ErrorCode::cancelled, pair.at);
          if (cancelled == CancelResult::unsent) --sent;
        }
      }
      if (random.chance(0.5)) pair.run(1 + random.below(5000));
      auto& requests = pair.acceptor.events.requests;
      while (!requests.empty() && random.chance(0.7)) {
        const auto request = requests.back();
        requests.pop_back();
        ASSERT_TRUE(
            pair.acceptor.session.send_response(request.reply_to, {}, {}, pair.at).has_value());
        pair.acceptor.session.release(request.token, pair.at);
      }
    }
    for (int round = 0; round < 1000 && !pair.initiator.session.drained(); ++round) {
      pair.run();
      for (const auto& request : pair.acceptor.events.requests) {
        ASSERT_TRUE(
            pair.acceptor.session.send_response(request.reply_to, {}, {}, pair.at).has_value());
      }
      release_all(pair.acceptor, pair.at);
    }
    pair.run();
    EXPECT_EQ(pair.initiator.events.failed_count, 0) << pair.initiator.events.failure.message();
    EXPECT_EQ(pair.acceptor.events.failed_count, 0) << pair.acceptor.events.failure.message();
    EXPECT_EQ(pair.initiator.events.responses.size(), sent) << seed;
    const auto at_end = pair.initiator.session.stats();
    // Less than half a window may be released and not granted yet.
    EXPECT_GT(at_end.credit_bytes_available, initial.credit_bytes_available / 2 - 1);
    EXPECT_GE(at_end.credit_messages_available, initial.credit_messages_available / 2);
    EXPECT_EQ(at_end.reply_bytes_reserved, 0u);
    EXPECT_EQ(pair.acceptor.session.stats().credit_bytes_held, 0u);
    EXPECT_EQ(pair.acceptor.session.stats().credit_messages_held, 0u);
    EXPECT_EQ(pair.acceptor.events.admitted, 0u);
  }
}

}  // namespace
}  // namespace grey::protocol
