#include "apps/greyctl/core/text.h"

#include <gtest/gtest.h>

namespace grey::ctl {
namespace {

using namespace std::string_literals;

TEST(Text, KnowsUtf8) {
  for (const auto& good : {""s, "plain"s, "\0"s, "é"s, "€"s, "😀"s, "\xf4\x8f\xbf\xbf"s}) {
    EXPECT_TRUE(is_utf8(good)) << to_base64(good);
  }
  for (const auto& bad :
       {"\x80"s, "\xc0\x80"s, "\xc1\xbf"s, "\xc3"s, "\xe0\x80\x80"s, "\xed\xa0\x80"s,
        "\xf0\x80\x80\x80"s, "\xf4\x90\x80\x80"s, "\xff"s, "a\xc3(b"s}) {
    EXPECT_FALSE(is_utf8(bad)) << to_base64(bad);
  }
}

TEST(Text, OnlyWhatATerminalCanBeGivenIsPrintable) {
  EXPECT_TRUE(is_printable("two\nlines\tand é"));
  for (const auto& bad : {"\0"s, "\x1b[2J"s, "\r"s, "\x7f"s, "\xc2\x9b"s, "\xff"s}) {
    EXPECT_FALSE(is_printable(bad)) << to_base64(bad);
  }
}

TEST(Text, ShowsOtherBytesEscaped) {
  EXPECT_EQ(show_bytes_as_text("a\nb", false), "a\nb");
  EXPECT_EQ(show_bytes_as_text("a\nb", true), "a\\x0ab");
  EXPECT_EQ(show_bytes_as_text("\x1b[2J\\"s, false), "\\x1b[2J\\\\");
  EXPECT_EQ(show_bytes_as_text("back\\slash", false), "back\\slash") << "nothing to escape";
}

TEST(Text, Base64ByTheVectorsOfRfc4648) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(to_base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64("\xff\x00\xfe"s), "/wD+");
}

TEST(Text, QuotesForTheShell) {
  EXPECT_EQ(shell_quote("cart/17"), "cart/17");
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("two words; rm"), "'two words; rm'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote("\xff'"s), "$'\\xff\\''");
}

}  // namespace
}  // namespace grey::ctl
