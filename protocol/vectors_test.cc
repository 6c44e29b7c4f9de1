// The golden vectors: what other implementations test themselves with, and what keeps this one from
// changing the wire format unnoticed.
#include "protocol/testing/vectors.h"

#include <gtest/gtest.h>

#include <fstream>

namespace grey::protocol::testing {
namespace {

TEST(Vectors, EveryCaseGetsWhatTheFileSays) {
  std::ifstream in("tests/vectors/protocol_vectors.json");
  ASSERT_TRUE(in.is_open()) << "run from the root of the source tree";
  const json file = json::parse(in);
  ASSERT_EQ(file.at("version"), 1);
  ASSERT_EQ(file.at("defaults"), default_receiver());
  int rejected = 0;
  for (const json& one : file.at("cases")) {
    json receiver = file.at("defaults");
    if (one.contains("receiver")) receiver.update(one.at("receiver"));
    const VectorOutcome outcome = run_vector(receiver, one);
    const std::string error = one.at("error").is_null() ? "" : one.at("error");
    EXPECT_EQ(outcome.error, error) << one.at("name");
    EXPECT_EQ(outcome.events, one.at("events")) << one.at("name");
    rejected += error.empty() ? 0 : 1;
    // What this side writes is frozen too.
    ASSERT_EQ(outcome.sent.size(), one.at("receiver_sends").size());
    for (std::size_t i = 0; i < outcome.sent.size(); ++i) {
      EXPECT_EQ(to_hex(outcome.sent[i]), one.at("receiver_sends")[i]) << one.at("name");
    }
  }
  EXPECT_GT(rejected, 50);
  EXPECT_GT(file.at("cases").size(), static_cast<std::size_t>(rejected) + 15);
}

TEST(Vectors, KeysAreDerivedAsTheFileSays) {
  std::ifstream in("tests/vectors/protocol_vectors.json");
  const json keys = json::parse(in).at("key_derivation");
  const auto bytes = [&](const char* name) { return from_hex(keys.at(name).get<std::string>()); };
  EXPECT_EQ(keys_json(bytes("secret"), bytes("hello_frame"), bytes("hello_ack_frame")), keys);
}

}  // namespace
}  // namespace grey::protocol::testing
