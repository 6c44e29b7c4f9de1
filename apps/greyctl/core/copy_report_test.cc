#include "apps/greyctl/core/copy_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/greyctl/core/json.h"

namespace grey::ctl {
namespace {

using ::testing::HasSubstr;

CopyReport clean() {
  CopyReport report{.command = "verify", .directory = "tree", .files_expected = 3};
  report.done.files = 3;
  report.done.bytes = 2048;
  report.done.operations = 3;
  report.done.took = std::chrono::seconds(1);
  return report;
}

TEST(CopyReport, CompleteMeansZero) {
  EXPECT_EQ(exit_code_of(clean()), ExitCode::ok);
  const std::string text = print_copy(clean(), OutputFormat::table);
  EXPECT_THAT(text, HasSubstr("3 of 3"));
  EXPECT_THAT(text, HasSubstr("2.0 KiB"));
  EXPECT_THAT(text, HasSubstr("verify of tree: complete"));
}

TEST(CopyReport, WhateverIsNotRightFails) {
  CopyReport failed = clean();
  failed.done.errors = 1;
  CopyReport mismatch = clean();
  mismatch.done.mismatches = 1;
  CopyReport fewer = clean();
  fewer.done.files = 2;
  CopyReport missing = clean();
  missing.missing = {"gone.txt"};
  for (const CopyReport& report : {failed, mismatch, fewer, missing}) {
    EXPECT_EQ(exit_code_of(report), ExitCode::degraded);
    EXPECT_THAT(print_copy(report, OutputFormat::table), HasSubstr("INCOMPLETE"));
  }
  failed.done.unknowns = 1;
  EXPECT_EQ(exit_code_of(failed), ExitCode::outcome_unknown);
}

TEST(CopyReport, WhatCannotBeStoredIsToldAndNoFailure) {
  CopyReport report = clean();
  report.left_out.assign(30, "a\x1b: a link to a directory");
  EXPECT_EQ(exit_code_of(report), ExitCode::ok);
  const std::string text = print_copy(report, OutputFormat::table);
  EXPECT_THAT(text, HasSubstr("left out: a\\x1b: a link"));
  EXPECT_THAT(text, HasSubstr("left out: and 10 more"));
}

TEST(CopyReport, JsonHasTheSameFigures) {
  CopyReport report = clean();
  report.done.failures = {"x: \xff"};
  const Json json = Json::parse(print_copy(report, OutputFormat::json));
  EXPECT_EQ(json["complete"], true);
  EXPECT_EQ(json["files"], 3);
  EXPECT_EQ(json["took_s"], 1.0);
  EXPECT_EQ(json["failures"].size(), 1u);
}

}  // namespace
}  // namespace grey::ctl
