#include "protocol/node_status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "protocol/msgpack_writer.h"

namespace grey::protocol {
namespace {

NodeStatus example() {
  NodeStatus status;
  status.node = 2;
  status.incarnation = 3;
  status.state = "serving";
  status.server_version = "0.1.0";
  status.transport = "asio";
  status.transport_reason = "io_uring_setup: not permitted";
  status.counters = {{"puts", 5}, {"gets", 6}};
  status.peers = {{1, "127.0.0.1:1", "down", "connection refused", {{"phi_max", 9}}}};
  return status;
}

TEST(NodeStatus, RoundTrips) {
  Bytes body;
  encode_status(example(), body);
  const auto out = decode_status(body);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->node, 2u);
  EXPECT_EQ(out->transport_reason, "io_uring_setup: not permitted");
  EXPECT_EQ(out->counters, example().counters);
  ASSERT_EQ(out->peers.size(), 1u);
  EXPECT_EQ(out->peers[0].state, "down");
  EXPECT_EQ(out->peers[0].figures, example().peers[0].figures);
}

TEST(NodeStatus, IsAMapThatAnyReaderUnderstands) {
  Bytes body;
  encode_status(example(), body);
  const auto json = nlohmann::json::from_msgpack(body);
  EXPECT_EQ(json["counters"]["gets"], 6);
  EXPECT_EQ(json["peers"][0]["endpoint"], "127.0.0.1:1");
}

TEST(NodeStatus, SkipsWhatItDoesNotKnow) {
  Bytes body;
  msgpack::Writer(body).map(2).str("later").array(1).map(0).str("node").uint(7);
  const auto out = decode_status(body);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->node, 7u);
}

TEST(NodeStatus, RefusesTruncationAndSurvivesCorruption) {
  Bytes body;
  encode_status(example(), body);
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(decode_status(Bytes(body.data(), size)).has_value());
  }
  Random random(3);
  for (int i = 0; i < 20'000; ++i) {
    Bytes bad = body;
    bad[random.below(bad.size())] = static_cast<char>(random.next());
    (void)decode_status(bad);
  }
}

}  // namespace
}  // namespace grey::protocol
