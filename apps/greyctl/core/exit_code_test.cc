#include "apps/greyctl/core/exit_code.h"

#include <gtest/gtest.h>

namespace grey::ctl {
namespace {

TEST(ExitCode, OutcomesOfOperationsHaveNumbersOfTheirOwn) {
  EXPECT_EQ(exit_code_of(ErrorCode::ok), ExitCode::ok);
  EXPECT_EQ(exit_code_of(ErrorCode::not_found), ExitCode::not_found);
  EXPECT_EQ(exit_code_of(ErrorCode::precondition_failed), ExitCode::precondition_failed);
  EXPECT_EQ(exit_code_of(ErrorCode::no_quorum), ExitCode::no_quorum);
  EXPECT_EQ(exit_code_of(ErrorCode::deadline_exceeded), ExitCode::deadline);
  EXPECT_EQ(exit_code_of(ErrorCode::outcome_unknown), ExitCode::outcome_unknown);
}

TEST(ExitCode, TheRestGoesByWhatTheCallerWouldDo) {
  EXPECT_EQ(exit_code_of(ErrorCode::connection_refused), ExitCode::unreachable);
  EXPECT_EQ(exit_code_of(ErrorCode::bad_magic), ExitCode::unreachable) << "something else listens";
  EXPECT_EQ(exit_code_of(ErrorCode::unauthorised), ExitCode::auth);
  EXPECT_EQ(exit_code_of(ErrorCode::encryption_required), ExitCode::auth);
  EXPECT_EQ(exit_code_of(ErrorCode::value_too_large), ExitCode::usage);
  EXPECT_EQ(exit_code_of(ErrorCode::config_unknown_key), ExitCode::usage);
  EXPECT_EQ(exit_code_of(ErrorCode::storage_full), ExitCode::degraded);
}

// A script takes 7 for "safe to repeat" and 8 for "ask first": only one code may say 8.
TEST(ExitCode, OnlyAnUnknownOutcomeIsReportedAsOne) {
  for (int number = 0; number < 500; ++number) {
    const auto code = static_cast<ErrorCode>(number);
    if (code == ErrorCode::outcome_unknown) continue;
    EXPECT_NE(exit_code_of(code), ExitCode::outcome_unknown) << number;
  }
}

TEST(ExitCode, EveryErrorButSuccessFails) {
  for (int number = 1; number < 500; ++number) {
    EXPECT_NE(exit_code_of(static_cast<ErrorCode>(number)), ExitCode::ok) << number;
  }
}

}  // namespace
}  // namespace grey::ctl
