// Every single-bit flip and every truncation of frames of every sort ends the session with the
// error that docs/protocol.md gives for it, and delivers nothing. Exhaustive over header, payload
// and checksum of small frames; sampled over the payload of a large one.
#include <gtest/gtest.h>

#include <memory>

#include "base/endian.h"
#include "base/hash.h"
#include "protocol/msgpack_writer.h"
#include "protocol/testing/session_pair.h"
#include "protocol/wire.h"

namespace grey::protocol {
namespace {

using testing::example_config;
using testing::SessionPair;
using testing::Side;
using testing::take_all;

struct Mode {
  const char* name;
  EncryptionMode encryption;
  std::uint32_t compress_threshold_bytes;
};
constexpr Mode modes[] = {{"plain", EncryptionMode::off, 0},
                          {"compressed", EncryptionMode::off, 100},
                          {"encrypted", EncryptionMode::required, 0},
                          {"encrypted and compressed", EncryptionMode::required, 100}};

// A situation: a pair in some state, the next frame of the initiator, and what follows it.
struct Situation {
  std::unique_ptr<SessionPair> pair;
  Bytes frame;
  Bytes following;
  std::size_t delivered_before = 0;

  Side& receiver() const { return pair->acceptor; }
  Instant at() const { return pair->at; }
};

enum class Sort { hello, ping, request, idempotent_request, response, oneway, chunk, large };
constexpr Sort sorts[] = {Sort::hello,    Sort::ping,   Sort::request, Sort::idempotent_request,
                          Sort::response, Sort::oneway, Sort::chunk,   Sort::large};

void send(Sort sort, SessionPair& pair) {
  Session& sender = pair.initiator.session;
  Bytes body;
  msgpack::Writer(body).array(2).str("key").bin(Bytes(120, 'v'));
  Bytes large;
  msgpack::Writer(large).bin(Bytes(sort == Sort::chunk ? 1500 : 20'000, 'L'));
  const TraceContext trace{1, 2, 3, 4, {}};
  bool sent = true;
  switch (sort) {
    case Sort::hello:
      break;
    case Sort::ping:
      sent = sender.ping(7, pair.at).has_value();
      break;
    case Sort::request:
      sent = sender.send_request({.method = 1, .tenant = "t"}, {.head = body}, pair.at).has_value();
      break;
    case Sort::idempotent_request:
      sent = sender
                 .send_request({.method = 1,
                                .tenant = "t",
                                .trace = trace,
                                .idempotency = {{1, 1}, 1},
                                .priority = true},
                               {.head = body}, pair.at)
                 .has_value();
      break;
    case Sort::response: {
      const ReplyTo to = pair.initiator.events.requests.at(0).reply_to;
      sent = sender.send_response(to, {}, {.head = body}, pair.at).has_value();
      break;
    }
    case Sort::oneway:
      sent = sender.send_oneway({.method = 1, .tenant = "t"}, {.head = body}, pair.at).has_value();
      break;
    case Sort::chunk:
    case Sort::large:
      sent = sender.send_oneway({}, {.head = large}, pair.at).has_value();
      break;
  }
  EXPECT_TRUE(sent);
}

// Always the same bytes for the same arguments.
Situation situation(const Mode& mode, Sort sort) {
  auto initiator = example_config(SessionRole::initiator);
  auto acceptor = example_config(SessionRole::acceptor);
  for (SessionConfig* config : {&initiator, &acceptor}) {
    config->encryption = mode.encryption;
    config->compress_threshold_bytes = mode.compress_threshold_bytes;
    config->lanes[1].payload_bytes_max = 64 << 10;
    if (sort == Sort::chunk) config->lanes[1].chunk_threshold_bytes = 1024;
    if (sort == Sort::chunk) config->lanes[1].chunk_bytes = 200;
  }
  Situation s;
  s.pair = std::make_unique<SessionPair>(initiator, acceptor);
  SessionPair& pair = *s.pair;
  if (sort == Sort::hello) {
    pair.initiator.session.start(pair.at);
    pair.acceptor.session.start(pair.at);
    s.frame = take_all(pair.initiator.session, pair.at);
    return s;
  }
  pair.handshake();
  if (sort == Sort::response) {
    EXPECT_TRUE(pair.acceptor.session.send_request({.method = 1}, {}, pair.at).has_value());
    pair.run();
  }
  send(sort, pair);
  const Bytes bytes = take_all(pair.initiator.session, pair.at);
  const std::size_t size = frame_overhead_bytes + decode_header(bytes.data()).payload_bytes;
  s.frame = bytes.substr(0, size);
  EXPECT_TRUE(pair.initiator.session.send_oneway({.method = 2}, {}, pair.at).has_value());
  s.following = bytes.substr(size) + take_all(pair.initiator.session, pair.at);
  s.delivered_before = pair.acceptor.events.deliveries();
  return s;
}

// The table of docs/protocol.md for one flipped bit. `length` is the length field after the flip.
ErrorCode expected(std::size_t byte, int bit, bool handshake, std::uint32_t cap,
                   std::uint32_t length, std::uint32_t true_length) {
  if (byte < 4) return ErrorCode::bad_magic;
  if (byte < 6) return ErrorCode::unsupported_version;
  if (byte < 8) {
    const std::uint16_t flipped = static_cast<std::uint16_t>(1u << (bit + (byte == 6 ? 8 : 0)));
    const bool changeable = (flipped & (flag::compressed | flag::priority | flag::idempotent)) != 0;
    return changeable && !handshake ? ErrorCode::bad_crc : ErrorCode::unknown_flags;
  }
  if (byte < 16) return ErrorCode::bad_message_id;
  if (byte >= 24 && byte < 28) {
    if (length > cap) return ErrorCode::frame_too_large;
    if (length > true_length) return ErrorCode::frame_timeout;  // or bad_crc if enough follows
  }
  return ErrorCode::bad_crc;
}

void wait_for_frame_timeout(const Situation& s) {
  s.pair->advance(std::chrono::seconds(4));
  s.receiver().session.tick(s.at());
  s.pair->advance(std::chrono::seconds(6));
  s.receiver().session.tick(s.at());
}

class Corruption : public ::testing::TestWithParam<Mode> {};

TEST_P(Corruption, EveryBitFlipIsNamedAndDeliversNothing) {
  for (const Sort sort : sorts) {
    const std::size_t size = situation(GetParam(), sort).frame.size();
    const std::size_t step = size > 1000 ? 97 : 1;
    for (std::size_t byte = 0; byte < size;
         byte += byte < header_bytes || byte + 8 > size ? 1 : step) {
      for (int bit = 0; bit < 8; ++bit) {
        const Situation s = situation(GetParam(), sort);
        const bool handshake = sort == Sort::hello;
        const std::uint32_t cap = handshake ? 4096 : 64 << 10;
        const std::uint32_t true_length = decode_header(s.frame.data()).payload_bytes;
        Bytes frame = s.frame;
        frame[byte] = static_cast<char>(frame[byte] ^ (1 << bit));
        const std::uint32_t length = decode_header(frame.data()).payload_bytes;
        Side& receiver = s.receiver();
        receiver.session.receive(frame, s.at());
        if (receiver.events.failed_count == 0) receiver.session.receive(s.following, s.at());
        ErrorCode want = expected(byte, bit, handshake, cap, length, true_length);
        if (receiver.events.failed_count == 0) {
          wait_for_frame_timeout(s);
          // Without a handshake that deadline comes first.
          if (handshake) want = ErrorCode::handshake_timeout;
        } else if (want == ErrorCode::frame_timeout) {
          want = ErrorCode::bad_crc;
        }
        ASSERT_TRUE(receiver.has_failed(want))
            << GetParam().name << " sort " << static_cast<int>(sort) << " byte " << byte << " bit "
            << bit << ": " << receiver.events.failure.message();
        ASSERT_EQ(receiver.events.deliveries(), s.delivered_before);
        ASSERT_EQ(receiver.events.admitted, 0u);
      }
    }
  }
}

TEST_P(Corruption, EveryTruncationIsNamedAndDeliversNothing) {
  for (const Sort sort : sorts) {
    const std::size_t size = situation(GetParam(), sort).frame.size();
    const std::size_t step = size > 1000 ? 97 : 1;
    for (std::size_t kept = 1; kept < size;
         kept += kept < header_bytes || kept + 8 > size ? 1 : step) {
      const Situation ended = situation(GetParam(), sort);
      ended.receiver().session.receive(ByteView(ended.frame).substr(0, kept), ended.at());
      ended.receiver().session.receive_end(ended.at());
      ASSERT_TRUE(ended.receiver().has_failed(ErrorCode::truncated_frame)) << kept;
      ASSERT_EQ(ended.receiver().events.deliveries(), ended.delivered_before);

      const Situation stalled = situation(GetParam(), sort);
      stalled.receiver().session.receive(ByteView(stalled.frame).substr(0, kept), stalled.at());
      wait_for_frame_timeout(stalled);
      ASSERT_TRUE(stalled.receiver().has_failed(sort == Sort::hello ? ErrorCode::handshake_timeout
                                                                    : ErrorCode::frame_timeout));
      ASSERT_EQ(stalled.receiver().events.deliveries(), stalled.delivered_before);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, Corruption, ::testing::ValuesIn(modes));

// The answer of the handshake, at the initiator.
TEST(HandshakeCorruption, EveryBitFlipOfTheAnswerIsNamed) {
  for (const Mode& mode : {modes[0], modes[2]}) {
    for (std::size_t bit = 0;; ++bit) {
      auto initiator = example_config(SessionRole::initiator);
      auto acceptor = example_config(SessionRole::acceptor);
      initiator.encryption = acceptor.encryption = mode.encryption;
      SessionPair pair(initiator, acceptor);
      pair.initiator.session.start(pair.at);
      pair.acceptor.session.start(pair.at);
      pair.carry(pair.initiator, pair.acceptor);
      Bytes answer = take_all(pair.acceptor.session, pair.at);
      const std::uint32_t true_length = decode_header(answer.data()).payload_bytes;
      const std::size_t byte = bit / 8;
      if (byte == frame_overhead_bytes + true_length) break;
      answer[byte] = static_cast<char>(answer[byte] ^ (1 << (bit % 8)));
      const std::uint32_t length = decode_header(answer.data()).payload_bytes;
      pair.initiator.session.receive(answer, pair.at);
      ErrorCode want = expected(byte, static_cast<int>(bit % 8), true, 4096, length, true_length);
      if (pair.initiator.events.failed_count == 0) {
        pair.advance(std::chrono::seconds(5));
        pair.initiator.session.tick(pair.at);
        want = ErrorCode::handshake_timeout;
      } else if (want == ErrorCode::frame_timeout) {
        want = ErrorCode::bad_crc;  // the PING that follows completed it
      }
      ASSERT_TRUE(pair.initiator.has_failed(want))
          << bit << " " << pair.initiator.events.failure.message();
      ASSERT_EQ(pair.initiator.events.established_count, 0);
    }
  }
}

// Whoever changes an encrypted frame and corrects its checksum is found by the tag.
TEST(Forgery, EveryBitOfAnEncryptedFrameIsAuthenticated) {
  for (const Mode& mode : {modes[2], modes[3]}) {
    for (const Sort sort : {Sort::ping, Sort::idempotent_request}) {
      const std::size_t covered = situation(mode, sort).frame.size() - crc_bytes;
      for (std::size_t byte = 7; byte < covered; ++byte) {
        if (byte >= 8 && byte < 16) continue;   // the message id is checked before
        if (byte >= 24 && byte < 28) continue;  // so is the length
        for (int bit = 0; bit < 8; ++bit) {
          if (byte == 7 && (bit == 1 || bit > 3)) continue;  // and these flags
          const Situation s = situation(mode, sort);
          Bytes frame = s.frame;
          frame[byte] = static_cast<char>(frame[byte] ^ (1 << bit));
          store_be(frame.data() + covered, crc32(0, ByteView(frame).substr(0, covered)));
          s.receiver().session.receive(frame, s.at());
          ASSERT_TRUE(s.receiver().has_failed(ErrorCode::decryption_failed))
              << byte << ":" << bit << " " << s.receiver().events.failure.message();
        }
      }
    }
  }
}

// A compressed payload that was forged: named errors, and no more memory than the cap.
TEST(Forgery, DecompressionBombsAndRubbishAreNamed) {
  const auto error_of = [](ByteView payload) {
    const Situation s = situation(modes[1], Sort::oneway);
    FrameHeader header = decode_header(s.frame.data());
    header.flags = flag::compressed;
    header.payload_bytes = static_cast<std::uint32_t>(payload.size());
    Bytes frame(header_bytes, '\0');
    encode_header(header, frame.data());
    frame += payload;
    append_be(frame, crc32(0, frame));
    s.receiver().session.receive(frame, s.at());
    EXPECT_EQ(s.receiver().events.deliveries(), s.delivered_before);
    return s.receiver().events.failure.code;
  };
  EXPECT_EQ(error_of(Bytes("\xff\xff\xff\xff", 4) + Bytes(100, '\xff')),
            ErrorCode::decompressed_too_large);
  EXPECT_EQ(error_of(Bytes("\x00\x01\x00\x01", 4) + Bytes(60'000, '\xff')),
            ErrorCode::decompressed_too_large)
      << "one byte beyond the cap";
  EXPECT_EQ(error_of(Bytes("\x00\x00\xff\xff", 4) + Bytes(10, 'x')),
            ErrorCode::decompression_failed)
      << "more than so few bytes can hold";
  EXPECT_EQ(error_of(Bytes("\x00\x00\x00\x64", 4) + Bytes(50, '\xff')),
            ErrorCode::decompression_failed);
  EXPECT_EQ(error_of(Bytes("\x00\x00\x00\x00", 4) + Bytes(1, '\0')),
            ErrorCode::decompression_failed);
  EXPECT_EQ(error_of("abc"), ErrorCode::decompression_failed);
}

}  // namespace
}  // namespace grey::protocol
