#include "apps/greyctl/core/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/greyctl/core/json.h"

namespace grey::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Situation put_of(const std::string& key) {
  return {.operation = "put",
          .key = key,
          .tenant = "shop",
          .endpoints = {"127.0.0.1:7400", "127.0.0.1:7401"},
          .timeout = std::chrono::seconds(10),
          .flags = {"--tenant", "the shop"}};
}

TEST(Explain, UnreachableSaysWhereWhyAndWhatToDo) {
  const std::string text =
      render(explain(ErrorCode::connection_refused, "", put_of("k")), OutputFormat::table);
  EXPECT_EQ(text,
            "greyctl: no node of 127.0.0.1:7400,127.0.0.1:7401 answered: connection refused\n"
            "  Is it running? `greyctl dev` starts a local cluster; --endpoints or GREY_ENDPOINTS "
            "names another.\n");
  EXPECT_THAT(explain(ErrorCode::bad_magic, "", put_of("k")).what, HasSubstr("as a Grey node"));
}

TEST(Explain, AnUnknownOutcomeComesWithTheCommandThatResolvesIt) {
  Situation situation = put_of("it's");
  situation.token = WriteToken{.operation = {1, 2, 3}, .epoch = 1, .low = {}, .round_high = 64};
  const Problem problem = explain(ErrorCode::outcome_unknown, "", situation);
  const std::string command =
      "greyctl --tenant 'the shop' resolve -- 'it'\\''s' " + situation.token->to_string();
  EXPECT_THAT(render(problem, OutputFormat::table), HasSubstr(command));
  const Json error = Json::parse(render(problem, OutputFormat::json))["error"];
  EXPECT_EQ(error["code"], "outcome_unknown");
  EXPECT_EQ(error["exit_code"], 8);
  EXPECT_EQ(error["resolve_command"], command);
  EXPECT_EQ(error["token"], situation.token->to_string());
  EXPECT_EQ(error["key"], "it's");
}

TEST(Explain, OnlyUnknownOutcomesSayMayHaveTakenEffect) {
  for (int number = 1; number < 500; ++number) {
    const auto code = static_cast<ErrorCode>(number);
    if (code == ErrorCode::outcome_unknown || !is_known_error(static_cast<std::uint16_t>(number))) {
      continue;
    }
    const Problem problem = explain(code, "", put_of("k"));
    EXPECT_FALSE(problem.what.empty()) << number;
    EXPECT_THAT(problem.what, Not(HasSubstr("may or may not"))) << number;
  }
}

TEST(Explain, ADeadlineSaysThatNothingWasApplied) {
  const Problem problem = explain(ErrorCode::deadline_exceeded, "last: x", put_of("k"));
  EXPECT_EQ(problem.what, "put of key 'k' did not end within 10s; not applied");
  EXPECT_THAT(problem.advice, HasSubstr("safe to repeat"));
}

TEST(Explain, AFailedPreconditionTellsWhatIsThere) {
  Situation situation = put_of("k");
  situation.found = Version{1, 2, 3};
  const Problem problem = explain(ErrorCode::precondition_failed, "", situation);
  EXPECT_THAT(problem.detail, HasSubstr(situation.found->to_string()));
  situation.found = Version{};
  EXPECT_THAT(explain(ErrorCode::precondition_failed, "", situation).detail, HasSubstr("absent"));
}

TEST(Explain, KeysNeverReachTheTerminalRaw) {
  const Problem problem = explain(ErrorCode::not_found, "", put_of("\x1b[2J"));
  EXPECT_THAT(render(problem, OutputFormat::table), HasSubstr("'\\x1b[2J'"));
  const Json error =
      Json::parse(render(explain(ErrorCode::not_found, "", put_of("\xff")), OutputFormat::ndjson));
  EXPECT_EQ(error["error"]["key_base64"], "/w==");
}

TEST(Problem, OfTheConfigurationKeepsThePlace) {
  const Problem problem =
      problem_of({ErrorCode::config_unknown_key, "greyctl.yaml:2: 'colour'; known are: tenant"});
  EXPECT_THAT(render(problem, OutputFormat::table), HasSubstr("greyctl.yaml:2: 'colour'"));
  const std::string line = render(problem, OutputFormat::ndjson);
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line";
}

}  // namespace
}  // namespace grey::ctl
