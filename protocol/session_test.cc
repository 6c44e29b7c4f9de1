// The ordinary life of a session: handshake, requests, responses, one-way messages, PING, GOAWAY.
#include "protocol/session.h"

#include <gtest/gtest.h>

#include "protocol/msgpack_writer.h"
#include "protocol/testing/session_pair.h"

namespace grey::protocol {
namespace {

using testing::example_config;
using testing::SessionPair;

Bytes text_body(std::string_view text) {
  Bytes body;
  msgpack::Writer(body).str(text);
  return body;
}

TEST(Session, HandshakeEstablishesBothSides) {
  SessionPair pair;
  pair.handshake();
  EXPECT_EQ(pair.initiator.events.established_count, 1);
  EXPECT_EQ(pair.acceptor.events.established_count, 1);
  EXPECT_EQ(pair.initiator.events.peer_info.hello.node_id, 2u);
  EXPECT_EQ(pair.acceptor.events.peer_info.hello.node_id, 1u);
  EXPECT_EQ(pair.acceptor.events.peer_info.hello.incarnation, 7u);
  EXPECT_FALSE(pair.acceptor.session.peer().encrypted);
  EXPECT_TRUE(pair.initiator.session.drained());
}

TEST(Session, RequestCarriesEveryField) {
  SessionPair pair;
  pair.handshake();
  Bytes baggage;
  msgpack::Writer(baggage).map(1).str("user").str("ada");
  const Bytes body = text_body("hello");
  const auto id = pair.initiator.session.send_request(
      {.method = 300,
       .deadline = pair.at.now + std::chrono::microseconds(1500),
       .reply_bytes_max = 4096,
       .tenant = "acme",
       .trace = {1, 2, 3, 4, baggage},
       .idempotency = {{5, 6}, 7},
       .priority = true,
       .context = 99},
      {.head = body}, pair.at);
  ASSERT_TRUE(id.has_value());
  pair.run();
  ASSERT_EQ(pair.acceptor.events.requests.size(), 1u);
  const auto& request = pair.acceptor.events.requests[0];
  EXPECT_EQ(request.request_id, *id);
  EXPECT_EQ(request.method, 300u);
  EXPECT_EQ(request.deadline_ms, 2u) << "rounded up";
  EXPECT_EQ(request.tenant, "acme");
  EXPECT_EQ(request.body, body);
  EXPECT_EQ(request.idempotency, (OperationId{{5, 6}, 7}));
  EXPECT_EQ(request.trace.trace_id_high, 1u);
  EXPECT_EQ(request.trace.trace_id_low, 2u);
  EXPECT_EQ(request.trace.span_id, 3u);
  EXPECT_EQ(request.trace.parent_span_id, 4u);
  EXPECT_EQ(request.baggage, baggage);
  EXPECT_TRUE(request.priority);
  EXPECT_FALSE(request.chunked);

  const Bytes answer = text_body("world");
  ASSERT_TRUE(
      pair.acceptor.session
          .send_response(request.reply_to,
                         {.code = ErrorCode::not_found, .detail = "why", .retry_after_ms = 5},
                         {.head = answer}, pair.at)
          .has_value());
  pair.acceptor.session.release(request.token, pair.at);
  pair.run();
  ASSERT_EQ(pair.initiator.events.responses.size(), 1u);
  const auto& response = pair.initiator.events.responses[0];
  EXPECT_EQ(response.context, 99u);
  EXPECT_EQ(response.code, ErrorCode::not_found);
  EXPECT_EQ(response.detail, "why");
  EXPECT_EQ(response.retry_after_ms, 5u);
  EXPECT_EQ(response.body, answer);
  EXPECT_TRUE(pair.initiator.session.drained());
  EXPECT_TRUE(pair.acceptor.session.drained());
}

TEST(Session, EmptyBodyIsNilAndMissingFieldsStayEmpty) {
  SessionPair pair;
  pair.handshake();
  ASSERT_TRUE(pair.initiator.session.send_request({.method = 1}, {}, pair.at).has_value());
  pair.run();
  const auto& request = pair.acceptor.events.requests.at(0);
  EXPECT_EQ(request.body, "\xc0");
  EXPECT_EQ(request.deadline_ms, UINT32_MAX);
  EXPECT_FALSE(request.trace);
  EXPECT_FALSE(request.idempotency);
}

TEST(Session, LargeValueIsSharedNotCopied) {
  SessionPair pair;
  pair.handshake();
  const SharedBytes value(Bytes(100'000, 'v'));
  Bytes head;
  msgpack::Writer(head).array(2).str("key").bin_header(value.size());
  ASSERT_TRUE(
      pair.initiator.session.send_request({.method = 1}, {head, value}, pair.at).has_value());
  SendBatch batch;
  pair.initiator.session.take_output(batch, pair.at);
  bool shared = false;
  for (std::size_t i = 0; i < batch.piece_count(); ++i) {
    shared |= batch.piece(i).data() == value.view().data();
  }
  EXPECT_TRUE(shared);
  pair.acceptor.session.receive(batch.flatten(), pair.at);
  EXPECT_EQ(pair.acceptor.events.requests.at(0).body, head + Bytes(value.view()));
}

TEST(Session, AnyFragmentationDeliversTheSame) {
  for (const std::size_t piece : {1u, 2u, 3u, 27u, 28u, 29u, 31u, 1000u}) {
    SessionPair pair;
    pair.initiator.session.start(pair.at);
    pair.acceptor.session.start(pair.at);
    pair.run(piece);
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(pair.initiator.session
                      .send_oneway({.method = 5, .tenant = "t"}, {.head = text_body("x")}, pair.at)
                      .has_value());
    }
    pair.run(piece);
    EXPECT_EQ(pair.acceptor.events.oneways.size(), 20u) << piece;
    EXPECT_EQ(pair.acceptor.events.failed_count, 0) << pair.acceptor.events.failure.message();
  }
}

TEST(Session, PingIsAnsweredAndBounded) {
  SessionPair pair;
  pair.handshake();
  for (std::uint64_t nonce = 0; nonce < 16; ++nonce) {
    ASSERT_TRUE(pair.acceptor.session.ping(nonce, pair.at).has_value());
  }
  EXPECT_EQ(pair.acceptor.session.ping(16, pair.at).error().code, ErrorCode::overloaded);
  pair.run();
  EXPECT_EQ(pair.acceptor.events.pongs.size(), 16u);
  EXPECT_TRUE(pair.acceptor.session.ping(17, pair.at).has_value());
}

TEST(Session, ReplyBeyondWhatWasAllowedBecomesAnError) {
  SessionPair pair;
  pair.handshake();
  ASSERT_TRUE(
      pair.initiator.session.send_request({.method = 1, .reply_bytes_max = 1000}, {}, pair.at)
          .has_value());
  pair.run();
  Bytes body;
  msgpack::Writer(body).bin(Bytes(1000, 'x'));
  const auto sent = pair.acceptor.session.send_response(
      pair.acceptor.events.requests.at(0).reply_to, {}, {.head = body}, pair.at);
  EXPECT_EQ(sent.error().code, ErrorCode::reply_too_large);
  pair.run();
  EXPECT_EQ(pair.initiator.events.responses.at(0).code, ErrorCode::reply_too_large);
  EXPECT_TRUE(pair.acceptor.session.drained());
}

TEST(Session, CancelReachesTheResponderAndTheAnswerStillComes) {
  SessionPair pair;
  pair.handshake();
  const auto id = pair.initiator.session.send_request({.method = 1}, {}, pair.at);
  EXPECT_EQ(pair.initiator.session.send_cancel(*id, ErrorCode::cancelled, pair.at),
            CancelResult::sent);
  EXPECT_EQ(pair.initiator.session.send_cancel(*id, ErrorCode::cancelled, pair.at),
            CancelResult::sent);
  pair.run();
  EXPECT_EQ(pair.acceptor.events.cancels, std::vector<std::uint64_t>{*id}) << "sent once";
  ASSERT_TRUE(pair.acceptor.session
                  .send_response(pair.acceptor.events.requests.at(0).reply_to,
                                 {.code = ErrorCode::cancelled}, {}, pair.at)
                  .has_value());
  pair.run();
  EXPECT_EQ(pair.initiator.events.responses.at(0).code, ErrorCode::cancelled);
  EXPECT_EQ(pair.initiator.session.send_cancel(*id, ErrorCode::cancelled, pair.at),
            CancelResult::not_outstanding);
}

TEST(Session, GoAwayRefusesNewWorkAndFinishesTheOld) {
  SessionPair pair;
  pair.handshake();
  ASSERT_TRUE(pair.initiator.session.send_request({.method = 1}, {}, pair.at).has_value());
  pair.run();
  pair.acceptor.session.goaway(ErrorCode::shutting_down, "restart", pair.at);
  // Sent before the news arrives: refused without being delivered.
  ASSERT_TRUE(
      pair.initiator.session.send_request({.method = 2, .context = 2}, {}, pair.at).has_value());
  pair.run();
  EXPECT_EQ(pair.initiator.events.goaways, std::vector<ErrorCode>{ErrorCode::shutting_down});
  EXPECT_EQ(pair.acceptor.events.requests.size(), 1u);
  EXPECT_EQ(pair.initiator.events.responses.at(0).code, ErrorCode::going_away);
  EXPECT_EQ(pair.initiator.session.send_request({.method = 3}, {}, pair.at).error().code,
            ErrorCode::going_away);
  EXPECT_FALSE(pair.acceptor.session.drained());
  ASSERT_TRUE(pair.acceptor.session
                  .send_response(pair.acceptor.events.requests[0].reply_to, {}, {}, pair.at)
                  .has_value());
  pair.run();
  EXPECT_TRUE(pair.acceptor.session.drained());
  EXPECT_TRUE(pair.initiator.session.drained());
}

TEST(Session, EndOfStreamIsOrderlyBetweenFramesAndAnErrorInside) {
  SessionPair orderly;
  orderly.handshake();
  orderly.acceptor.session.receive_end(orderly.at);
  EXPECT_TRUE(orderly.acceptor.has_failed(ErrorCode::peer_closed));
  EXPECT_FALSE(orderly.acceptor.session.has_output());

  SessionPair cut;
  cut.handshake();
  ASSERT_TRUE(cut.initiator.session.ping(1, cut.at).has_value());
  const Bytes bytes = testing::take_all(cut.initiator.session, cut.at);
  cut.acceptor.session.receive(ByteView(bytes).substr(0, bytes.size() - 1), cut.at);
  cut.acceptor.session.receive_end(cut.at);
  EXPECT_TRUE(cut.acceptor.has_failed(ErrorCode::truncated_frame));
}

TEST(Session, DeadlinesOfHandshakeFrameAndIdleness) {
  SessionPair silent;
  silent.acceptor.session.start(silent.at);
  EXPECT_EQ(silent.acceptor.session.next_deadline(), silent.at.now + std::chrono::seconds(5));
  silent.advance(std::chrono::seconds(5));
  silent.acceptor.session.tick(silent.at);
  EXPECT_TRUE(silent.acceptor.has_failed(ErrorCode::handshake_timeout));
  EXPECT_EQ(silent.acceptor.session.next_deadline(), never);

  SessionPair slow;
  slow.handshake();
  EXPECT_EQ(slow.acceptor.session.next_deadline(), never);
  slow.acceptor.session.receive("GRE", slow.at);
  EXPECT_EQ(slow.acceptor.session.next_deadline(), slow.at.now + std::chrono::seconds(10));
  slow.advance(std::chrono::seconds(9));
  slow.acceptor.session.receive("Y", slow.at);  // a byte more buys no time
  slow.acceptor.session.tick(slow.at);
  EXPECT_EQ(slow.acceptor.events.failed_count, 0);
  slow.advance(std::chrono::seconds(1));
  slow.acceptor.session.tick(slow.at);
  EXPECT_TRUE(slow.acceptor.has_failed(ErrorCode::frame_timeout));

  auto config = example_config(SessionRole::acceptor);
  config.idle_timeout = std::chrono::seconds(30);
  SessionPair idle(example_config(SessionRole::initiator), config);
  idle.handshake();
  idle.advance(std::chrono::seconds(30));
  idle.acceptor.session.tick(idle.at);
  EXPECT_TRUE(idle.acceptor.has_failed(ErrorCode::idle_timeout));
}

TEST(Session, AbortTellsThePeerAndNothingElse) {
  SessionPair pair;
  pair.handshake();
  pair.acceptor.session.abort({ErrorCode::duplicate_connection, "newer one exists"}, pair.at);
  pair.run();
  EXPECT_EQ(pair.acceptor.events.failed_count, 0);
  EXPECT_TRUE(pair.initiator.has_failed(ErrorCode::duplicate_connection));
  EXPECT_NE(pair.initiator.events.failure.detail.find("newer one exists"), std::string::npos);
  EXPECT_FALSE(pair.initiator.session.has_output()) << "an ERROR is not answered";
  EXPECT_EQ(pair.initiator.session.send_request({}, {}, pair.at).error().code,
            ErrorCode::duplicate_connection);
}

TEST(Session, QueuedRequestsCarryWhatRemainsOfTheirDeadline) {
  auto config = example_config(SessionRole::acceptor);
  config.lanes[1].credit_messages = 1;
  SessionPair pair(example_config(SessionRole::initiator), config);
  pair.handshake();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(pair.initiator.session
                    .send_request({.method = 1, .deadline = pair.at.now + std::chrono::seconds(1)},
                                  {}, pair.at)
                    .has_value());
  }
  pair.run();
  ASSERT_EQ(pair.acceptor.events.requests.size(), 1u);
  EXPECT_EQ(pair.acceptor.events.requests[0].deadline_ms, 1000u);
  pair.advance(std::chrono::milliseconds(400));
  pair.acceptor.session.release(pair.acceptor.events.requests[0].token, pair.at);
  pair.run();
  ASSERT_EQ(pair.acceptor.events.requests.size(), 2u);
  EXPECT_EQ(pair.acceptor.events.requests[1].deadline_ms, 600u);
}

TEST(Session, TellsWhichRequestsCannotHaveReachedThePeer) {
  auto config = example_config(SessionRole::acceptor);
  config.lanes[1].credit_messages = 1;
  SessionPair pair(example_config(SessionRole::initiator), config);
  pair.handshake();
  Session& session = pair.initiator.session;
  const std::uint64_t serialised = *session.send_request({.method = 1}, {}, pair.at);
  const std::uint64_t queued = *session.send_request({.method = 1}, {}, pair.at);
  EXPECT_TRUE(session.may_have_been_sent(serialised));
  EXPECT_FALSE(session.may_have_been_sent(queued));
  session.abort({ErrorCode::closed_locally, {}}, pair.at);
  EXPECT_TRUE(session.may_have_been_sent(serialised));
  EXPECT_FALSE(session.may_have_been_sent(queued)) << "also once it is over";
  EXPECT_TRUE(session.may_have_been_sent(queued + 1)) << "unknown";
}

TEST(Session, CountsTheOutputThatAPeerMakesGrowByNotReading) {
  SessionPair pair;
  pair.handshake();
  ASSERT_TRUE(
      pair.initiator.session.send_request({.method = 1, .reply_bytes_max = 2u << 20}, {}, pair.at)
          .has_value());
  pair.run();
  Session& session = pair.acceptor.session;
  EXPECT_EQ(session.unread_output_bytes(), 0u);
  Bytes head;
  msgpack::Writer(head).bin_header(1u << 20);
  const Body answer{head, SharedBytes(Bytes(1u << 20, 'x'))};
  ASSERT_TRUE(session.send_response(pair.acceptor.events.requests[0].reply_to, {}, answer, pair.at)
                  .has_value());
  EXPECT_GE(session.unread_output_bytes(), 1u << 20);
  pair.run();
  EXPECT_EQ(session.unread_output_bytes(), 0u);
}

}  // namespace
}  // namespace grey::protocol
