#include "apps/greyctl/core/dev_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/greyctl/core/json.h"

namespace grey::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const DevReport report{.cluster_id = "dev",
                       .directory = "./my grey",
                       .endpoints = "127.0.0.1:7400,127.0.0.1:7401",
                       .temporary = false,
                       .nodes = {{1, "127.0.0.1:7400", 4711, "./my grey/node1", "node1.log"},
                                 {2, "127.0.0.1:7401", 4712, "./my grey/node2", "node2.log"}}};

TEST(DevReport, TellsTheNodesAndWhatToTypeNext) {
  const std::string text = print_dev(report, OutputFormat::table);
  EXPECT_THAT(text, HasSubstr("127.0.0.1:7401  4712  ./my grey/node2"));
  EXPECT_THAT(text, HasSubstr("export GREY_ENDPOINTS=127.0.0.1:7400,127.0.0.1:7401\n"));
  EXPECT_THAT(text, HasSubstr("rm -r './my grey'"));
  DevReport temporary = report;
  temporary.temporary = true;
  EXPECT_THAT(print_dev(temporary, OutputFormat::table), Not(HasSubstr("rm -r")));
}

TEST(DevReport, RawIsTheLineForEval) {
  EXPECT_EQ(print_dev(report, OutputFormat::raw),
            "export GREY_ENDPOINTS=127.0.0.1:7400,127.0.0.1:7401\n");
}

TEST(DevReport, JsonHasPidsAndPlaces) {
  const Json json = Json::parse(print_dev(report, OutputFormat::ndjson));
  EXPECT_EQ(json["endpoints"], report.endpoints);
  EXPECT_EQ(json["nodes"][1]["pid"], 4712);
  EXPECT_EQ(json["nodes"][1]["log"], "node2.log");
}

}  // namespace
}  // namespace grey::ctl
