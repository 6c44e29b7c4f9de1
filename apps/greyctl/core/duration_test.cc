#include "apps/greyctl/core/duration.h"

#include <gtest/gtest.h>

namespace grey::ctl {
namespace {

using std::chrono::milliseconds;

TEST(Duration, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_duration("500ms").value(), milliseconds(500));
  EXPECT_EQ(parse_duration("10s").value(), milliseconds(10'000));
  EXPECT_EQ(parse_duration("2m").value(), milliseconds(120'000));
  EXPECT_EQ(parse_duration("24h").value(), milliseconds(86'400'000));
}

TEST(Duration, RefusesTheRestWithAnExample) {
  for (const char* text :
       {"", "10", "s", "0s", "-1s", "1.5s", "10 s", "25h", "10sec", "99999999999999999999s"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::config_bad_value);
    EXPECT_NE(parsed.error().detail.find("500ms"), std::string::npos);
  }
}

TEST(Duration, ShowsTheTwoLargestUnits) {
  EXPECT_EQ(show_duration(milliseconds(250)), "250ms");
  EXPECT_EQ(show_duration(milliseconds(8'900)), "8s");
  EXPECT_EQ(show_duration(milliseconds(725'000)), "12m 5s");
  EXPECT_EQ(show_duration(milliseconds(3'600'000)), "1h 0m");
  EXPECT_EQ(show_duration(milliseconds(86'400'000LL * 3 + 4 * 3'600'000)), "3d 4h");
}

}  // namespace
}  // namespace grey::ctl
