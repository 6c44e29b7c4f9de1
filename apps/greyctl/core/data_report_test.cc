#include "apps/greyctl/core/data_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/greyctl/core/json.h"

namespace grey::ctl {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

const Version version{1, 2, 3};

GetResult holding(std::string value) {
  return {.value = std::move(value), .version = version, .detail = {}};
}

TEST(PrintGet, RawIsTheValueByteForByte) {
  const std::string value = "a\0b\xff\r\n"s;
  const Printed printed = print_get("k", holding(value), OutputFormat::raw);
  EXPECT_EQ(printed.out, value);
  EXPECT_EQ(printed.err, "");
}

TEST(PrintGet, PeopleGetTheValueOnALineAndTheVersionBesideIt) {
  const Printed printed = print_get("k", holding("hello"), OutputFormat::table);
  EXPECT_EQ(printed.out, "hello\n");
  EXPECT_EQ(printed.err, "version " + version.to_string() + "\n");
  EXPECT_EQ(print_get("k", holding("two\nlines\n"), OutputFormat::table).out, "two\nlines\n");
}

TEST(PrintGet, ATerminalNeverGetsControlCharacters) {
  const Printed printed = print_get("k", holding("\x1b]0;x\a"), OutputFormat::table);
  EXPECT_EQ(printed.out, "\\x1b]0;x\\x07\n");
  EXPECT_THAT(printed.err, HasSubstr("binary, 6 bytes"));
}

TEST(PrintGet, JsonHoldsAnyBytes) {
  const Json text = Json::parse(print_get("k", holding("é\0"s), OutputFormat::json).out);
  EXPECT_EQ(text["key"], "k");
  EXPECT_EQ(text["value"], "é\0"s);
  EXPECT_EQ(text["version"], version.to_string());
  const Json binary = Json::parse(print_get("\xff", holding("\xfe"), OutputFormat::ndjson).out);
  EXPECT_EQ(binary["key_base64"], "/w==");
  EXPECT_EQ(binary["value_base64"], "/g==");
  EXPECT_FALSE(binary.contains("value"));
}

TEST(PrintWrite, TellsTheVersion) {
  const WriteResult written{.version = version, .token = {}, .detail = {}};
  EXPECT_EQ(print_write("k", WriteKind::put, written, OutputFormat::raw).out,
            version.to_string() + "\n");
  EXPECT_THAT(print_write("k", WriteKind::cas, written, OutputFormat::table).out,
              HasSubstr(version.to_string()));
  const Json json = Json::parse(print_write("k", WriteKind::put, written, OutputFormat::json).out);
  EXPECT_EQ(json["outcome"], "applied");
  EXPECT_EQ(json["version"], version.to_string());
}

TEST(PrintWrite, ARemovalHasNone) {
  EXPECT_EQ(print_write("k", WriteKind::remove, {}, OutputFormat::raw).out, "");
  EXPECT_EQ(print_write("k", WriteKind::cas_remove, {}, OutputFormat::table).out,
            "applied: k is absent\n");
  const Json json = Json::parse(print_write("k", WriteKind::remove, {}, OutputFormat::json).out);
  EXPECT_TRUE(json["version"].is_null());
}

TEST(PrintResolution, SaysWhatBecameOfIt) {
  EXPECT_EQ(print_resolution("k", Resolution::applied, OutputFormat::raw).out, "applied\n");
  EXPECT_EQ(print_resolution("k", Resolution::not_applied, OutputFormat::raw).out, "not_applied\n");
  EXPECT_EQ(
      Json::parse(print_resolution("k", Resolution::unknown, OutputFormat::json).out)["outcome"],
      "unknown");
  EXPECT_THAT(print_resolution("k", Resolution::not_applied, OutputFormat::table).out,
              HasSubstr("safe to repeat"));
}

}  // namespace
}  // namespace grey::ctl
