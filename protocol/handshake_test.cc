// Who may talk to whom: every refusal with its name on both sides, encryption in all combinations,
// secrets.
#include "protocol/handshake.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/endian.h"
#include "base/hash.h"

#include "protocol/testing/session_pair.h"
#include "protocol/wire.h"

namespace grey::protocol {
namespace {

using testing::example_config;
using testing::SessionPair;
using testing::take_all;

using Change = std::function<void(SessionConfig& initiator, SessionConfig& acceptor)>;

SessionPair joined(const Change& change) {
  auto initiator = example_config(SessionRole::initiator);
  auto acceptor = example_config(SessionRole::acceptor);
  change(initiator, acceptor);
  return SessionPair(std::move(initiator), std::move(acceptor));
}

void expect_refused(const char* what, ErrorCode code, const Change& change) {
  SessionPair pair = joined(change);
  pair.handshake();
  EXPECT_EQ(pair.initiator.events.established_count, 0) << what;
  EXPECT_TRUE(pair.initiator.has_failed(code)) << what << pair.initiator.events.failure.message();
  EXPECT_TRUE(pair.acceptor.has_failed(code)) << what << pair.acceptor.events.failure.message();
}

TEST(Handshake, RefusalsHaveTheSameNameOnBothSides) {
  expect_refused("cluster", ErrorCode::wrong_cluster,
                 [](auto&, auto& acceptor) { acceptor.cluster_id = "another"; });
  expect_refused("topology", ErrorCode::wrong_topology,
                 [](auto&, auto& acceptor) { acceptor.topology_hash += 1; });
  expect_refused("target", ErrorCode::wrong_identity,
                 [](auto&, auto& acceptor) { acceptor.node_id = 3; });
  expect_refused("nameless node", ErrorCode::wrong_identity,
                 [](auto& initiator, auto&) { initiator.node_id = 0; });
  expect_refused("nameless client", ErrorCode::wrong_identity,
                 [](auto& initiator, auto&) { initiator.self = PeerRole::client; });
  expect_refused("encryption", ErrorCode::encryption_required,
                 [](auto&, auto& acceptor) { acceptor.encryption = EncryptionMode::required; });
  expect_refused("encryption", ErrorCode::encryption_required,
                 [](auto& initiator, auto&) { initiator.encryption = EncryptionMode::required; });
  expect_refused("no secret for clients", ErrorCode::unauthorised,
                 [](auto& initiator, auto& acceptor) {
                   initiator.self = PeerRole::client;
                   initiator.client_id = {1, 1};
                   initiator.encryption = acceptor.encryption = EncryptionMode::offered;
                   acceptor.client_secret.clear();
                 });
}

TEST(Handshake, InitiatorChecksWhoAnswers) {
  // The acceptor does not mind (no target is named), the initiator does: over plain and encrypted.
  for (const EncryptionMode mode : {EncryptionMode::off, EncryptionMode::required}) {
    SessionPair pair = joined([&](auto& initiator, auto& acceptor) {
      initiator.encryption = acceptor.encryption = mode;
      acceptor.self = PeerRole::client;
      acceptor.client_id = {1, 1};
      acceptor.topology_hash = 0;
    });
    pair.handshake();
    EXPECT_TRUE(pair.initiator.has_failed(ErrorCode::wrong_identity));
    EXPECT_TRUE(pair.acceptor.has_failed(ErrorCode::wrong_identity))
        << pair.acceptor.events.failure.message();
  }
}

TEST(Handshake, ClientsNeedNoTopology) {
  SessionPair pair = joined([](auto& initiator, auto&) {
    initiator.self = PeerRole::client;
    initiator.node_id = 0;
    initiator.client_id = {1, 2};
    initiator.topology_hash = 0;
    initiator.expected_node = 0;
  });
  pair.handshake();
  EXPECT_EQ(pair.initiator.events.established_count, 1);
  EXPECT_EQ(pair.acceptor.events.established_count, 1);
  EXPECT_EQ(pair.acceptor.events.peer_info.hello.client_id, (ClientId{1, 2}));
  EXPECT_NE(pair.initiator.events.peer_info.hello.topology_hash, 0u) << "learns the node's";
}

TEST(Handshake, EncryptionInAllCombinations) {
  constexpr EncryptionMode modes[] = {EncryptionMode::off, EncryptionMode::offered,
                                      EncryptionMode::required};
  for (const EncryptionMode a : modes) {
    for (const EncryptionMode b : modes) {
      SessionPair pair = joined([&](auto& initiator, auto& acceptor) {
        initiator.encryption = a;
        acceptor.encryption = b;
      });
      pair.handshake();
      const bool either_off = a == EncryptionMode::off || b == EncryptionMode::off;
      const bool required = a == EncryptionMode::required || b == EncryptionMode::required;
      const bool refused = either_off && required;
      EXPECT_EQ(pair.initiator.session.is_established(), !refused);
      EXPECT_EQ(pair.acceptor.session.is_established(), !refused);
      EXPECT_EQ(pair.acceptor.session.peer().encrypted, !either_off);
    }
  }
}

TEST(Handshake, WrongSecretIsFoundBeforeAnythingIsDelivered) {
  SessionPair pair = joined([](auto& initiator, auto& acceptor) {
    initiator.encryption = acceptor.encryption = EncryptionMode::required;
    initiator.node_secret = "not the secret that others have";
  });
  pair.handshake();
  for (const auto* side : {&pair.initiator, &pair.acceptor}) {
    EXPECT_EQ(side->events.established_count, 0);
    EXPECT_TRUE(side->has_failed(ErrorCode::decryption_failed));
    EXPECT_EQ(side->events.deliveries(), 0u);
  }
}

TEST(Handshake, AClientCannotPoseAsANode) {
  // It knows only the clients' secret.
  SessionPair pair = joined([](auto& initiator, auto& acceptor) {
    initiator.encryption = acceptor.encryption = EncryptionMode::required;
    initiator.node_secret = initiator.client_secret;
  });
  pair.handshake();
  EXPECT_TRUE(pair.acceptor.has_failed(ErrorCode::decryption_failed));
  EXPECT_EQ(pair.acceptor.events.established_count, 0);
}

TEST(Handshake, EncryptedTrafficHidesItsContentAndIsRequired) {
  SessionPair pair = joined([](auto& initiator, auto& acceptor) {
    initiator.encryption = acceptor.encryption = EncryptionMode::offered;
  });
  pair.handshake();
  const SharedBytes value(Bytes(10'000, 'v'));
  ASSERT_TRUE(pair.initiator.session
                  .send_oneway({.method = 1, .tenant = "visible-tenant"},
                               {ByteView("\xc5\x27\x10", 3), value}, pair.at)
                  .has_value());
  const Bytes bytes = take_all(pair.initiator.session, pair.at);
  EXPECT_EQ(bytes.find("visible-tenant"), Bytes::npos);
  EXPECT_EQ(bytes.find("vvvv"), Bytes::npos);
  pair.acceptor.session.receive(bytes, pair.at);
  ASSERT_EQ(pair.acceptor.events.oneways.size(), 1u);
  EXPECT_EQ(pair.acceptor.events.oneways[0].body.size(), 10'003u);

  // A plain frame after that closes the connection.
  SessionPair plain;
  plain.handshake();
  ASSERT_TRUE(plain.initiator.session.ping(1, plain.at).has_value());
  Bytes frame = take_all(plain.initiator.session, plain.at);
  FrameHeader header = decode_header(frame.data());
  header.message_id = decode_header(bytes.data()).message_id + 1;
  encode_header(header, frame.data());
  pair.acceptor.session.receive(frame, pair.at);
  EXPECT_TRUE(pair.acceptor.has_failed(ErrorCode::unknown_flags));
}

TEST(Handshake, ReplayedAndReorderedEncryptedFramesAreRefused) {
  const auto encrypted_pair = [] {
    return joined([](auto& initiator, auto& acceptor) {
      initiator.encryption = acceptor.encryption = EncryptionMode::required;
    });
  };
  SessionPair pair = encrypted_pair();
  pair.handshake();
  ASSERT_TRUE(pair.initiator.session.ping(1, pair.at).has_value());
  const Bytes frame = take_all(pair.initiator.session, pair.at);
  pair.acceptor.session.receive(frame, pair.at);
  pair.acceptor.session.receive(frame, pair.at);
  EXPECT_TRUE(pair.acceptor.has_failed(ErrorCode::bad_message_id));

  // Renumbered, with a right checksum, the tag does not match.
  SessionPair forged = encrypted_pair();
  forged.handshake();
  ASSERT_TRUE(forged.initiator.session.ping(1, forged.at).has_value());
  forged.acceptor.session.receive(take_all(forged.initiator.session, forged.at), forged.at);
  Bytes again = frame;
  FrameHeader header = decode_header(again.data());
  ++header.message_id;
  encode_header(header, again.data());
  const std::size_t covered = again.size() - crc_bytes;
  store_be(again.data() + covered, crc32(0, ByteView(again).substr(0, covered)));
  forged.acceptor.session.receive(again, forged.at);
  EXPECT_TRUE(forged.acceptor.has_failed(ErrorCode::decryption_failed));
}

TEST(Handshake, AnythingButAHandshakeFirstIsUnexpected) {
  SessionPair pair;
  pair.initiator.session.start(pair.at);
  pair.acceptor.session.start(pair.at);
  const Bytes hello = take_all(pair.initiator.session, pair.at);
  pair.initiator.session.receive(hello, pair.at);  // HELLO where HELLO_ACK is due
  EXPECT_TRUE(pair.initiator.has_failed(ErrorCode::unexpected_message));
  pair.acceptor.session.receive(hello, pair.at);
  Bytes second = hello;
  FrameHeader header = decode_header(second.data());
  header.message_id = 2;
  encode_header(header, second.data());
  const std::size_t covered = second.size() - crc_bytes;
  store_be(second.data() + covered, crc32(0, ByteView(second).substr(0, covered)));
  pair.acceptor.session.receive(second, pair.at);
  EXPECT_TRUE(pair.acceptor.has_failed(ErrorCode::unexpected_message));
}

TEST(Handshake, IsAtMostFourKibibytes) {
  SessionPair pair;
  pair.acceptor.session.start(pair.at);
  char header[header_bytes];
  encode_header({.message_id = 1, .payload_bytes = 4097}, header);
  pair.acceptor.session.receive(ByteView(header, sizeof header), pair.at);
  EXPECT_TRUE(pair.acceptor.has_failed(ErrorCode::frame_too_large));
}

TEST(Handshake, SendingBeforeItIsOverIsRefused) {
  SessionPair pair;
  EXPECT_EQ(pair.initiator.session.send_request({}, {}, pair.at).error().code,
            ErrorCode::overloaded);
  pair.initiator.session.start(pair.at);
  EXPECT_EQ(pair.initiator.session.send_oneway({}, {}, pair.at).error().code,
            ErrorCode::overloaded);
}

}  // namespace
}  // namespace grey::protocol
