#include "cluster/node/node_config.h"

#include <gtest/gtest.h>

namespace grey::cluster {
namespace {

const std::string good = R"(cluster:
  id: test
  nodes:
    - {id: 1, endpoint: "127.0.0.1:7401", rack: r1, zone: a}
    - {id: 2, endpoint: "127.0.0.1:7402"}
    - {id: 3, endpoint: "127.0.0.1:7403"}
node: 2
data_dir: /tmp/grey
)";

Error error_of(const std::string& text, const ConfigOverrides& overrides = {}) {
  const auto config = parse_node_config(text, "grey.yaml", overrides);
  EXPECT_FALSE(config.has_value());
  return config ? Error{} : config.error();
}

TEST(NodeConfig, ReadsEverythingAndFillsInDefaults) {
  const auto config = parse_node_config(good, "grey.yaml", {});
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->topology.cluster_id, "test");
  EXPECT_EQ(config->topology.nodes.size(), 3u);
  EXPECT_EQ(config->topology.nodes[0].zone, "a");
  EXPECT_EQ(config->node, 2u);
  EXPECT_EQ(config->listen, "127.0.0.1:7402") << "the node's own endpoint";
  EXPECT_EQ(config->transport, "auto");
}

TEST(NodeConfig, FlagsAndEnvironmentGoBeforeTheFile) {
  const auto config = parse_node_config(good, "grey.yaml", {.node = "3", .data_dir = "/elsewhere"});
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->node, 3u);
  EXPECT_EQ(config->data_dir, "/elsewhere");
}

TEST(NodeConfig, AnUnknownKeyIsNamedWithItsLine) {
  const Error error = error_of(good + "colour: red\n");
  EXPECT_EQ(error.code, ErrorCode::config_unknown_key);
  EXPECT_NE(error.detail.find("grey.yaml:9"), std::string::npos) << error.detail;
  EXPECT_NE(error.detail.find("'colour'"), std::string::npos) << error.detail;
}

TEST(NodeConfig, WhatIsWrongIsNamed) {
  EXPECT_EQ(error_of("cluster: [").code, ErrorCode::config_syntax);
  EXPECT_EQ(error_of("").code, ErrorCode::config_bad_value);
  EXPECT_EQ(error_of("cluster: {id: x}\n").code, ErrorCode::config_missing);
  EXPECT_EQ(error_of(good, {.node = "9"}).code, ErrorCode::config_bad_value);
  EXPECT_EQ(error_of(good, {.node = "-1"}).code, ErrorCode::config_bad_value);
  EXPECT_EQ(error_of(good, {.transport = "carrier-pigeon"}).code, ErrorCode::config_bad_value);
  EXPECT_EQ(error_of(good + "listen: nowhere\n").code, ErrorCode::config_bad_value);
  EXPECT_EQ(error_of(good + "listen: \"example.org:7400\"\n").code, ErrorCode::config_bad_value);
  for (const std::string& id : {std::string("'a b'"), std::string(65, 'x')}) {
    std::string text = good;
    text.replace(text.find("test"), 4, id);
    EXPECT_EQ(error_of(text).code, ErrorCode::config_bad_value) << id;
  }
  const Error error = error_of(good + "limits: {value_bytes: lots}\n");
  EXPECT_EQ(error.code, ErrorCode::config_bad_value);
  EXPECT_NE(error.detail.find("grey.yaml:9"), std::string::npos) << error.detail;
}

}  // namespace
}  // namespace grey::cluster
