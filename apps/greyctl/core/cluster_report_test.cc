#include "apps/greyctl/core/cluster_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grey::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

NodeReport serving(std::uint32_t id) {
  Json peers = Json::array();
  for (const std::uint32_t other : {1, 2, 3}) {
    if (other != id) peers.push_back({{"node", other}, {"state", "up"}});
  }
  NodeReport row;
  row.node = {.id = id,
              .endpoint = "10.0.0." + std::to_string(id) + ":7400",
              .rack = "r1",
              .zone = "",
              .connected = true,
              .last_error = {}};
  row.answered = true;
  row.document = {{"state", "serving"},
                  {"incarnation", 7u},
                  {"transport", "io_uring"},
                  {"transport_reason", "the kernel allows it"},
                  {"storage", "rocksdb"},
                  {"uptime_ms", 125'000u},
                  {"counters", {{"operations", 12345u}}},
                  {"peers", peers}};
  return row;
}

ClusterReport three() {
  ClusterReport report;
  report.cluster.cluster_id = "test";
  report.cluster.epoch = 1;
  report.cluster.replication_factor = 3;
  report.nodes = {serving(1), serving(2), serving(3)};
  return report;
}

ClusterReport without_node_2() {
  ClusterReport report = three();
  NodeReport& lost = report.nodes[1];
  lost.answered = false;
  lost.error = "connection refused";
  lost.document = Json::object();
  report.nodes[0].document["peers"][0] = {
      {"node", 2u}, {"state", "down"}, {"last_error", "refused"}};
  return report;
}

TEST(ClusterReport, AHealthyClusterSaysSo) {
  EXPECT_THAT(three().troubles(), IsEmpty());
  const std::string text = print_cluster(three(), OutputFormat::table);
  EXPECT_THAT(text, HasSubstr("cluster test, epoch 1, 3 nodes, 3 replicas a key"));
  EXPECT_THAT(text, HasSubstr("10.0.0.2:7400  r1/-       serving"));
  EXPECT_THAT(text, HasSubstr("2m 5s"));
  EXPECT_THAT(text, HasSubstr("2/2"));
  EXPECT_THAT(text, HasSubstr("12345"));
  EXPECT_THAT(text, HasSubstr("transport io_uring: the kernel allows it (nodes 1, 2, 3)"));
  EXPECT_THAT(text, HasSubstr("healthy"));
}

TEST(ClusterReport, ANodeThatDoesNotAnswerIsNamedOnce) {
  EXPECT_THAT(without_node_2().troubles(),
              ElementsAre("node 2 (10.0.0.2:7400) is unreachable: connection refused"));
  EXPECT_THAT(print_cluster(without_node_2(), OutputFormat::table), HasSubstr("degraded: node 2"));
}

TEST(ClusterReport, APartitionBetweenNodesThatAnswerIsSeen) {
  ClusterReport report = without_node_2();
  report.nodes[1] = serving(2);
  EXPECT_THAT(report.troubles(),
              ElementsAre("node 1 (10.0.0.1:7400) cannot reach node 2: refused"));
}

TEST(ClusterReport, ANodeThatIsNotServingIsTrouble) {
  ClusterReport report = three();
  report.nodes[2].document["state"] = "stopping";
  EXPECT_THAT(report.troubles(), ElementsAre("node 3 (10.0.0.3:7400) is stopping"));
}

TEST(ClusterReport, JsonHoldsTheWholeDocument) {
  const Json json = Json::parse(print_cluster(without_node_2(), OutputFormat::json));
  EXPECT_EQ(json["healthy"], false);
  EXPECT_EQ(json["troubles"].size(), 1u);
  EXPECT_EQ(json["nodes"][0]["status"]["counters"]["operations"], 12345);
  EXPECT_EQ(json["nodes"][1]["reachable"], false);
  EXPECT_EQ(json["nodes"][1]["error"], "connection refused");
}

TEST(ClusterReport, NdjsonHasALineForEachNode) {
  std::istringstream lines(print_cluster(three(), OutputFormat::ndjson));
  int id = 0;
  for (std::string line; std::getline(lines, line);) EXPECT_EQ(Json::parse(line)["id"], ++id);
  EXPECT_EQ(id, 3);
}

// The names are optional, a node may be newer or older, and nobody vouches for the types.
TEST(ClusterReport, TakesAnyDocument) {
  ClusterReport report = three();
  report.nodes[0].document = {{"state", 5}, {"peers", "none"}, {"uptime_ms", -1}, {"new", {1}}};
  report.nodes[1].document = {{"peers", {1, {{"state", "up"}}}}, {"uptime_ms", ~std::uint64_t{0}}};
  report.nodes[2].document = Json::object();
  EXPECT_THAT(print_cluster(report, OutputFormat::table), HasSubstr("10.0.0.1:7400"));
  EXPECT_EQ(report.troubles().size(), 3u) << "none of them says that it serves";
}

TEST(ClusterReport, DecodesMessagePackAndNothingElse) {
  const std::vector<std::uint8_t> bytes = Json::to_msgpack({{"node", 1}});
  EXPECT_EQ(decode_document(std::string(bytes.begin(), bytes.end()))["node"], 1);
  EXPECT_EQ(decode_document(""), Json::object());
  EXPECT_EQ(decode_document("\xc1"), Json::object());
  EXPECT_EQ(decode_document("\x01"), Json::object());
}

}  // namespace
}  // namespace grey::ctl
