// A client may connect without knowing its cluster's name; nodes never may.
#include <gtest/gtest.h>

#include "protocol/handshake.h"
#include "protocol/testing/session_pair.h"

namespace grey::protocol {
namespace {

using testing::example_config;
using testing::SessionPair;

SessionConfig client_config(Bytes cluster_id) {
  SessionConfig config = example_config(SessionRole::initiator);
  config.self = PeerRole::client;
  config.node_id = 0;
  config.client_id = {1, 2};
  config.incarnation = 0;
  config.topology_hash = 0;
  config.cluster_id = std::move(cluster_id);
  return config;
}

TEST(ClusterName, AClientWithoutOneLearnsItFromTheNode) {
  for (const EncryptionMode mode : {EncryptionMode::off, EncryptionMode::required}) {
    SessionConfig client = client_config("");
    SessionConfig node = example_config(SessionRole::acceptor);
    client.encryption = node.encryption = mode;
    SessionPair pair(client, node);
    pair.handshake();
    EXPECT_EQ(pair.initiator.events.established_count, 1);
    EXPECT_EQ(pair.acceptor.events.established_count, 1);
    EXPECT_EQ(pair.initiator.events.peer_info.hello.cluster_id, "test-cluster");
  }
}

TEST(ClusterName, AClientThatExpectsAnotherIsRefused) {
  SessionPair pair(client_config("other"), example_config(SessionRole::acceptor));
  pair.handshake();
  EXPECT_TRUE(pair.acceptor.has_failed(ErrorCode::wrong_cluster));
}

TEST(ClusterName, ANodeThatSaysNoneIsRefused) {
  Hello hello = make_hello(example_config(SessionRole::initiator), Lane::data, 0, 2);
  const SessionConfig node = example_config(SessionRole::acceptor);
  EXPECT_TRUE(check_peer(node, hello).has_value());
  hello.cluster_id.clear();
  EXPECT_EQ(check_peer(node, hello).error().code, ErrorCode::wrong_cluster);
  EXPECT_EQ(check_peer(client_config(""), hello).error().code, ErrorCode::wrong_cluster);
}

}  // namespace
}  // namespace grey::protocol
