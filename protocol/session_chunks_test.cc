// Messages larger than a frame, in both directions, interleaved, refused, cancelled, malformed.
#include <gtest/gtest.h>

#include "protocol/frame_writer.h"
#include "protocol/msgpack_writer.h"
#include "protocol/testing/session_pair.h"

namespace grey::protocol {
namespace {

using testing::example_config;
using testing::SessionPair;
using testing::take_all;

struct LargeBody {
  explicit LargeBody(std::size_t size, char fill = 'L') : value(Bytes(size, fill)) {
    msgpack::Writer(head).array(2).str("key").bin_header(size);
  }
  Body body() const { return {head, value}; }
  Bytes whole() const { return head + Bytes(value.view()); }
  Bytes head;
  SharedBytes value;
};

TEST(Chunks, LargeRequestsAndRepliesArriveWhole) {
  for (const std::size_t size : {256u << 10, (1u << 20) + 1, 5u << 20, 64u << 20}) {
    SessionPair pair;
    pair.handshake();
    const LargeBody large(size);
    ASSERT_TRUE(
        pair.initiator.session
            .send_request({.method = 9, .reply_bytes_max = 65u << 20}, large.body(), pair.at)
            .has_value());
    pair.run(100'000);
    ASSERT_EQ(pair.acceptor.events.requests.size(), 1u);
    const auto& request = pair.acceptor.events.requests[0];
    EXPECT_TRUE(request.chunked);
    EXPECT_EQ(request.method, 9u);
    EXPECT_TRUE(request.body == large.whole());
    EXPECT_GT(pair.acceptor.events.admitted, size);
    ASSERT_TRUE(pair.acceptor.session.send_response(request.reply_to, {}, large.body(), pair.at)
                    .has_value());
    pair.acceptor.session.release(request.token, pair.at);
    EXPECT_EQ(pair.acceptor.events.admitted, 0u);
    pair.run(100'000);
    ASSERT_EQ(pair.initiator.events.responses.size(), 1u);
    EXPECT_TRUE(pair.initiator.events.responses[0].body == large.whole());
    EXPECT_TRUE(pair.initiator.session.drained() && pair.acceptor.session.drained());
  }
}

TEST(Chunks, WorkEncryptedAndCompressed) {
  auto initiator = example_config(SessionRole::initiator);
  auto acceptor = example_config(SessionRole::acceptor);
  initiator.encryption = acceptor.encryption = EncryptionMode::required;
  initiator.compress_threshold_bytes = acceptor.compress_threshold_bytes = 200;
  SessionPair pair(initiator, acceptor);
  pair.handshake();
  const LargeBody large(3 << 20);
  ASSERT_TRUE(pair.initiator.session.send_oneway({.method = 9}, large.body(), pair.at).has_value());
  pair.run();
  ASSERT_EQ(pair.acceptor.events.oneways.size(), 1u);
  EXPECT_TRUE(pair.acceptor.events.oneways[0].body == large.whole());
  EXPECT_GT(pair.initiator.session.stats().frames_compressed, 40u);
  EXPECT_LT(pair.initiator.session.stats().bytes_sent, 200'000u);
}

TEST(Chunks, SliceTheSharedValueInsteadOfCopyingIt) {
  SessionPair pair;
  pair.handshake();
  const LargeBody large(1 << 20);
  ASSERT_TRUE(pair.initiator.session.send_oneway({}, large.body(), pair.at).has_value());
  SendBatch batch;
  std::size_t shared_bytes = 0;
  while (pair.initiator.session.has_output()) {
    pair.initiator.session.take_output(batch, pair.at);
    EXPECT_LT(batch.size(), 400u << 10) << "no more than a batch at a time";
    for (std::size_t i = 0; i < batch.piece_count(); ++i) {
      const char* const at = batch.piece(i).data();
      const ByteView value = large.value.view();
      if (at >= value.data() && at < value.data() + value.size()) {
        shared_bytes += batch.piece(i).size();
      }
    }
    pair.acceptor.session.receive(batch.flatten(), pair.at);
    pair.carry(pair.acceptor, pair.initiator);
    batch.clear();
  }
  EXPECT_GT(shared_bytes, (1u << 20) - SendBatch::share_threshold_bytes);
  EXPECT_EQ(pair.acceptor.events.oneways.size(), 1u);
}

TEST(Chunks, TakeTurnsWithEachOtherAndWithSmallMessages) {
  SessionPair pair;
  pair.handshake();
  const LargeBody first(4 << 20, '1');
  const LargeBody second(1 << 20, '2');
  ASSERT_TRUE(pair.initiator.session.send_oneway({.method = 1}, first.body(), pair.at).has_value());
  ASSERT_TRUE(
      pair.initiator.session.send_oneway({.method = 2}, second.body(), pair.at).has_value());
  pair.carry(pair.initiator, pair.acceptor);
  ASSERT_TRUE(pair.initiator.session.send_oneway({.method = 3}, {}, pair.at).has_value());
  pair.carry(pair.initiator, pair.acceptor);
  ASSERT_EQ(pair.acceptor.events.oneways.size(), 1u) << "the small one is not behind them";
  pair.run();
  ASSERT_EQ(pair.acceptor.events.oneways.size(), 3u);
  EXPECT_EQ(pair.acceptor.events.oneways[1].method, 2u) << "the shorter one is done first";
  EXPECT_EQ(pair.acceptor.events.oneways[2].method, 1u);
}

TEST(Chunks, ManyAtOnceNeverBlockEachOther) {
  auto acceptor = example_config(SessionRole::acceptor);
  acceptor.lanes[1].credit_bytes = 20'000;  // far less than any of the messages
  acceptor.lanes[1].credit_messages = 3;
  SessionPair pair(example_config(SessionRole::initiator), acceptor);
  pair.handshake();
  const LargeBody large(300'000);
  for (std::uint32_t i = 0; i < 30; ++i) {
    ASSERT_TRUE(
        pair.initiator.session.send_oneway({.method = i}, large.body(), pair.at).has_value());
  }
  pair.run();  // nothing is released meanwhile
  EXPECT_EQ(pair.acceptor.events.oneways.size(), 30u);
  EXPECT_EQ(pair.acceptor.session.stats().credit_bytes_held, 0u) << "chunks hold no credit";
}

TEST(Chunks, AreRefusedWholeWhenThereIsNoMemory) {
  SessionPair pair;
  pair.acceptor.events.admit_max = 1 << 20;
  pair.handshake();
  const LargeBody large(4 << 20);
  ASSERT_TRUE(
      pair.initiator.session.send_request({.context = 5}, large.body(), pair.at).has_value());
  ASSERT_TRUE(pair.initiator.session.send_oneway({}, large.body(), pair.at).has_value());
  pair.run();
  ASSERT_EQ(pair.initiator.events.responses.size(), 1u);
  EXPECT_EQ(pair.initiator.events.responses[0].code, ErrorCode::overloaded);
  EXPECT_EQ(pair.initiator.events.responses[0].context, 5u);
  EXPECT_GT(pair.initiator.events.responses[0].retry_after_ms, 0u);
  EXPECT_EQ(pair.initiator.session.stats().oneways_refused, 1u);
  EXPECT_EQ(pair.acceptor.events.deliveries(), 0u);
  EXPECT_EQ(pair.acceptor.events.admitted, 0u);
  EXPECT_EQ(pair.acceptor.session.stats().credit_bytes_held, 0u);
  EXPECT_TRUE(pair.initiator.session.drained() && pair.acceptor.session.drained());
  EXPECT_LT(pair.initiator.session.stats().bytes_sent, 2u << 20) << "the rest is not sent";

  const LargeBody small_enough(500'000);
  ASSERT_TRUE(pair.initiator.session.send_oneway({}, small_enough.body(), pair.at).has_value());
  pair.run();
  EXPECT_EQ(pair.acceptor.events.oneways.size(), 1u);
}

TEST(Chunks, MemoryGrowsWithWhatArrivesAndIsReturnedOnFailure) {
  SessionPair pair;
  pair.handshake();
  const LargeBody large(8 << 20);
  ASSERT_TRUE(pair.initiator.session.send_request({}, large.body(), pair.at).has_value());
  pair.carry(pair.initiator, pair.acceptor);
  EXPECT_GT(pair.acceptor.events.admitted, 8u << 20);
  pair.acceptor.session.receive_end(pair.at);
  EXPECT_TRUE(pair.acceptor.has_failed(ErrorCode::peer_closed));
  EXPECT_EQ(pair.acceptor.events.admitted, 0u);
}

TEST(Chunks, AMessageThatStandsStillIsGivenUp) {
  SessionPair pair;
  pair.handshake();
  const LargeBody large(8 << 20);
  ASSERT_TRUE(pair.initiator.session.send_oneway({}, large.body(), pair.at).has_value());
  for (int i = 0; i < 3; ++i) {
    pair.carry(pair.initiator, pair.acceptor);
    pair.carry(pair.acceptor, pair.initiator);
    EXPECT_EQ(pair.acceptor.session.next_deadline(), pair.at.now + std::chrono::seconds(60));
    pair.advance(std::chrono::seconds(59));
    pair.acceptor.session.tick(pair.at);
  }
  EXPECT_EQ(pair.acceptor.events.failed_count, 0) << "each chunk starts the time anew";
  pair.advance(std::chrono::seconds(1));
  pair.acceptor.session.tick(pair.at);
  EXPECT_TRUE(pair.acceptor.has_failed(ErrorCode::frame_timeout));
  EXPECT_EQ(pair.acceptor.events.admitted, 0u);
}

TEST(Chunks, CancelStopsThemOnBothSides) {
  SessionPair pair;
  pair.handshake();
  const LargeBody large(8 << 20);
  const auto id = pair.initiator.session.send_request({}, large.body(), pair.at);
  pair.carry(pair.initiator, pair.acceptor);
  EXPECT_EQ(pair.initiator.session.send_cancel(*id, ErrorCode::cancelled, pair.at),
            CancelResult::sent);
  pair.run();
  EXPECT_EQ(pair.acceptor.events.deliveries(), 0u);
  EXPECT_EQ(pair.acceptor.events.admitted, 0u);
  ASSERT_EQ(pair.initiator.events.responses.size(), 1u);
  EXPECT_EQ(pair.initiator.events.responses[0].code, ErrorCode::cancelled);
  EXPECT_TRUE(pair.initiator.session.drained() && pair.acceptor.session.drained());

  // Not begun: nothing is sent at all.
  const auto unsent = pair.initiator.session.send_request({}, large.body(), pair.at);
  EXPECT_EQ(pair.initiator.session.send_cancel(*unsent, ErrorCode::cancelled, pair.at),
            CancelResult::unsent);
  EXPECT_FALSE(pair.initiator.session.has_output());

  // A reply under way is cut short.
  const auto asked =
      pair.initiator.session.send_request({.reply_bytes_max = 64u << 20}, {}, pair.at);
  pair.run();
  ASSERT_TRUE(
      pair.acceptor.session
          .send_response(pair.acceptor.events.requests.at(0).reply_to, {}, large.body(), pair.at)
          .has_value());
  pair.carry(pair.acceptor, pair.initiator);
  EXPECT_EQ(pair.initiator.session.send_cancel(*asked, ErrorCode::cancelled, pair.at),
            CancelResult::sent);
  pair.run();
  ASSERT_EQ(pair.initiator.events.responses.size(), 2u);
  EXPECT_EQ(pair.initiator.events.responses[1].code, ErrorCode::outcome_unknown);
  EXPECT_TRUE(pair.initiator.session.drained() && pair.acceptor.session.drained());
}

TEST(Chunks, BeyondThePeersLimitIsRefusedHere) {
  auto acceptor = example_config(SessionRole::acceptor);
  acceptor.lanes[1].message_bytes_max = 1 << 20;
  SessionPair pair(example_config(SessionRole::initiator), acceptor);
  pair.handshake();
  const LargeBody large(2 << 20);
  EXPECT_EQ(pair.initiator.session.send_request({}, large.body(), pair.at).error().code,
            ErrorCode::value_too_large);
  EXPECT_EQ(pair.initiator.session.stats().requests_outstanding, 0u);
}

// Envelopes of a malformed sender, with right frames around them.
ErrorCode failure_of(std::initializer_list<ChunkView> chunks) {
  SessionPair pair;
  pair.initiator.session.start(pair.at);
  pair.acceptor.session.start(pair.at);
  pair.acceptor.session.receive(take_all(pair.initiator.session, pair.at), pair.at);
  FrameWriter writer;
  SendBatch hello;
  writer.write(hello, 0, 0, {});
  for (const ChunkView& chunk : chunks) {
    char head[limit::envelope_head_bytes];
    const char* const end = encode_head(chunk, chunk.data.size(), head);
    SendBatch batch;
    writer.write(batch, 0, 0,
                 {.head = {head, static_cast<std::size_t>(end - head)}, .body = chunk.data});
    pair.acceptor.session.receive(batch.flatten(), pair.at);
  }
  EXPECT_EQ(pair.acceptor.events.deliveries(), 0u);
  EXPECT_EQ(pair.acceptor.events.failed_count == 0 ? 10u : 0u, pair.acceptor.events.admitted);
  return pair.acceptor.events.failure.code;
}

TEST(Chunks, MalformedStreamsAreNamed) {
  const ChunkView first{.stream_id = 1,
                        .index = 0,
                        .total_bytes = 10,
                        .message_kind = Kind::request,
                        .request_id = 7,
                        .data = "12345"};
  const auto changed = [&](auto change) {
    ChunkView chunk = first;
    chunk.index = 1;
    change(chunk);
    return chunk;
  };
  EXPECT_EQ(failure_of({first}), ErrorCode::ok);
  using C = ChunkView&;
  const ErrorCode bad = ErrorCode::bad_chunk;
  EXPECT_EQ(failure_of({changed([](C c) { c.stream_id = 2, c.index = 0; })}), bad);
  EXPECT_EQ(failure_of({changed([](C) {})}), bad) << "begins in the middle";
  EXPECT_EQ(failure_of({first, first}), bad);
  EXPECT_EQ(failure_of({first, changed([](C c) { c.index = 2; })}), bad);
  EXPECT_EQ(failure_of({first, changed([](C c) { c.total_bytes = 11; })}), bad);
  EXPECT_EQ(failure_of({first, changed([](C c) { c.request_id = 8; })}), bad);
  EXPECT_EQ(failure_of({first, changed([](C c) { c.data = "123456"; })}), bad) << "too much";
  EXPECT_EQ(failure_of({first, changed([](C c) { c.data = ""; })}), bad);
  EXPECT_EQ(failure_of({changed([](C c) { c.index = 0, c.total_bytes = 65ull << 20; })}), bad);
  EXPECT_EQ(failure_of({changed([](C c) { c.index = 0, c.total_bytes = 0; })}), bad);
  EXPECT_EQ(failure_of({changed([](C c) { c.index = 0, c.request_id = 0; })}), bad);
  EXPECT_EQ(failure_of({changed([](C c) { c.index = 0, c.message_kind = Kind::response; })}),
            ErrorCode::unexpected_message);
  EXPECT_EQ(failure_of({first, changed([](C) {})}), ErrorCode::bad_envelope)
      << "whole, but no envelope";
}

}  // namespace
}  // namespace grey::protocol
