#include <grey/types.h>

#include <gtest/gtest.h>

#include <boost/asio/error.hpp>

#include <grey/error.h>
#include "client/convert.h"

namespace grey {
namespace {

TEST(Version, TextRoundTrips) {
  const Version version{1, ~0ull, 0x2a};
  EXPECT_EQ(version.to_string(), "0000000000000001ffffffffffffffff-000000000000002a");
  EXPECT_EQ(Version::parse(version.to_string()), version);
}

TEST(Version, RefusesWhatIsNone) {
  EXPECT_FALSE(Version::parse(""));
  EXPECT_FALSE(Version::parse(Version{}.to_string())) << "zero names nothing";
  EXPECT_FALSE(Version::parse("0000000000000001ffffffffffffffff-000000000000002"));
  EXPECT_FALSE(Version::parse("0000000000000001ffffffffffffffff-00000000000000zz"));
}

TEST(WriteToken, TextAndWireRoundTrip) {
  const WriteToken token{{1, 2, 3}, 4, {4, 5, 6, 7, 8}, 99};
  EXPECT_EQ(WriteToken::parse(token.to_string()), token);
  EXPECT_EQ(detail::token_of(detail::submission_of(token)), token);
  const std::string text = token.to_string();
  for (std::size_t size = 0; size < text.size() - 1; ++size) {
    EXPECT_FALSE(WriteToken::parse(text.substr(0, size))) << size;
  }
  EXPECT_FALSE(WriteToken::parse(text + ".1"));
}

TEST(ErrorCodes, OneTableForTheWireAndThePrograms) {
  const boost::system::error_code unknown = errc::outcome_unknown;
  EXPECT_EQ(unknown.value(), 1);
  EXPECT_STREQ(unknown.category().name(), "grey");
  EXPECT_EQ(unknown, detail::to_error_code(ErrorCode::outcome_unknown));
  EXPECT_FALSE(detail::to_error_code(ErrorCode::ok));
  EXPECT_EQ(detail::to_error_code(ErrorCode::cancelled), boost::asio::error::operation_aborted);
}

TEST(ErrorCodes, ConditionsSayWhatToDo) {
  EXPECT_TRUE(make_error_code(errc::connection_refused) == condition::unreachable);
  EXPECT_TRUE(make_error_code(errc::connection_refused) == condition::temporary);
  EXPECT_TRUE(make_error_code(errc::no_quorum) == condition::temporary);
  EXPECT_FALSE(make_error_code(errc::outcome_unknown) == condition::temporary);
  EXPECT_TRUE(make_error_code(errc::key_too_large) == condition::invalid_use);
  EXPECT_FALSE(boost::system::error_code() == condition::temporary);
}

}  // namespace
}  // namespace grey
