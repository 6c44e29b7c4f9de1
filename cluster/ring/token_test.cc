#include "cluster/ring/token.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/random.h"

namespace grey::cluster {
namespace {

// The cases of Redis Cluster's specification, then the odd ones.
TEST(PartitionKey, IsWhatStandsInTheFirstBraces) {
  EXPECT_EQ(partition_key("{user1000}.following"), "user1000");
  EXPECT_EQ(partition_key("foo{}{bar}"), "foo{}{bar}");
  EXPECT_EQ(partition_key("foo{{bar}}zap"), "{bar");
  EXPECT_EQ(partition_key("foo{bar}{zap}"), "bar");
  EXPECT_EQ(partition_key("plain"), "plain");
  EXPECT_EQ(partition_key(""), "");
  EXPECT_EQ(partition_key("{"), "{");
  EXPECT_EQ(partition_key("}{"), "}{");
  EXPECT_EQ(partition_key("}a{b}c"), "b");
  EXPECT_EQ(partition_key("a{b"), "a{b");
  EXPECT_EQ(partition_key(ByteView("{\0}x", 4)), ByteView("\0", 1));
}

TEST(Token, KeysWithOneTagShareIt) {
  EXPECT_EQ(token_of("t", "{user7}.name"), token_of("t", "{user7}.mail"));
  EXPECT_EQ(token_of("t", "{user7}.name"), token_of("t", "user7"));
  EXPECT_NE(token_of("t", "{user7}.name"), token_of("t", "{user8}.name"));
  EXPECT_NE(token_of("t", "{user7}"), token_of("u", "{user7}"));
}

TEST(Token, TenantAndKeyDoNotRunTogether) {
  std::set<Token> seen;
  const std::string text = "abcdefgh";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_TRUE(seen.insert(token_of(text.substr(0, cut), text.substr(cut))).second) << cut;
  }
}

TEST(Token, LongKeysHashLikeShortOnes) {
  // On both sides of what fits on the stack, a changed byte anywhere changes the token.
  for (const std::size_t size : {4000u, 4157u, 4158u, 4159u, 4160u, 4161u, 100'000u}) {
    std::string key(size, 'k');
    const Token token = token_of("tenant", key);
    EXPECT_EQ(token, token_of("tenant", key));
    key.back() = 'l';
    EXPECT_NE(token, token_of("tenant", key));
  }
}

TEST(Token, SpreadsSimilarKeysEvenly) {
  constexpr int buckets = 64;
  constexpr int keys = 64'000;
  constexpr double mean = 1000;
  std::array<int, buckets> counts{};
  for (int i = 0; i < keys; ++i) ++counts[token_of("t", "key" + std::to_string(i)) >> 58];
  double chi_squared = 0;
  for (const int count : counts) {
    chi_squared += (count - mean) * (count - mean) / mean;
  }
  // 63 degrees of freedom: mean 63, standard deviation 11.2.
  EXPECT_LT(chi_squared, 63 + 5 * 11.2);
}

// Tokens are part of the disk format: these values never change.
TEST(Token, GoldenValues) {
  EXPECT_EQ(token_of("", ""), 5238470482016868669u);
  EXPECT_EQ(token_of("tenant", "key"), 4987385338641433751u);
  EXPECT_EQ(token_of("tenant", "{user1000}.following"), 6963535578774949819u);
}

}  // namespace
}  // namespace grey::cluster
