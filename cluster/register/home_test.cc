#include "cluster/register/home.h"

#include <gtest/gtest.h>

#include <string>

namespace grey::cluster {
namespace {

const Ballot promise{1, 3, 1, 1, 10};
const Ballot later_promise{1, 4, 1, 1, 20};

Record written(std::uint64_t sequence, ByteView value = "v") {
  Record record;
  record.ballot = {1, 3, 1, 1, sequence};
  record.kind = RecordKind::value;
  record.value = SharedBytes::copy_of(value);
  return record;
}

TEST(HomeKeys, RemembersTheLastWriteOfAPromiseAndOfNoOther) {
  HomeKeys keys(10, 1000);
  EXPECT_EQ(keys.last_write("k", promise), nullptr);
  keys.remember("k", promise, written(11));
  keys.remember("k", promise, written(12));
  ASSERT_NE(keys.last_write("k", promise), nullptr);
  EXPECT_EQ(keys.last_write("k", promise)->ballot.sequence, 12U);
  EXPECT_EQ(keys.last_write("k", later_promise), nullptr);
  EXPECT_EQ(keys.last_write("other", promise), nullptr);
  keys.forget("k");
  EXPECT_EQ(keys.last_write("k", promise), nullptr);
  keys.forget("k");
}

TEST(HomeKeys, ForgetsTheOldestWriteWhenThereAreTooManyOrTheyAreTooLarge) {
  HomeKeys by_count(2, 1000);
  for (const char* key : {"a", "b", "c"}) by_count.remember(key, promise, written(11));
  EXPECT_EQ(by_count.last_write("a", promise), nullptr);
  EXPECT_NE(by_count.last_write("b", promise), nullptr);
  EXPECT_NE(by_count.last_write("c", promise), nullptr);

  HomeKeys by_size(100, 25);  // bytes of keys and values
  by_size.remember("a", promise, written(11, std::string(10, 'x')));
  by_size.remember("b", promise, written(12, std::string(10, 'x')));
  EXPECT_NE(by_size.last_write("a", promise), nullptr);
  by_size.remember("a", promise, written(13, std::string(10, 'y')));  // replaces: no growth
  EXPECT_NE(by_size.last_write("b", promise), nullptr);
  by_size.remember("c", promise, written(14, std::string(10, 'x')));
  EXPECT_EQ(by_size.last_write("b", promise), nullptr);
  by_size.remember("d", promise, written(15, std::string(30, 'x')));  // too large by itself
  EXPECT_EQ(by_size.last_write("d", promise), nullptr);
}

TEST(HomeKeys, ABanHoldsUntilALaterWriteIsChosenOrTheRangeIsPromisedAgain) {
  HomeKeys keys(10, 1000);
  keys.ban_fast_cas("k", promise);
  EXPECT_TRUE(keys.fast_cas_banned("k", promise));
  EXPECT_FALSE(keys.fast_cas_banned("other", promise));
  EXPECT_FALSE(keys.fast_cas_banned("k", later_promise));
  keys.remember("k", promise, written(12));
  EXPECT_FALSE(keys.fast_cas_banned("k", promise));
  EXPECT_EQ(keys.mark_count(), 0U);
}

TEST(HomeKeys, AWriteDoesNotTakeBackThatTheKeyWasRaised) {
  HomeKeys keys(10, 1000);
  keys.ban_fast_cas("k", promise);
  keys.mark_raised("k", promise);
  keys.remember("k", promise, written(12));
  EXPECT_FALSE(keys.fast_cas_banned("k", promise));
  EXPECT_TRUE(keys.raised("k", promise));
  EXPECT_FALSE(keys.raised("k", later_promise));
}

TEST(HomeKeys, AMarkOfALaterPromiseReplacesTheStaleOne) {
  HomeKeys keys(10, 1000);
  keys.mark_raised("k", promise);
  keys.ban_fast_cas("k", later_promise);
  EXPECT_TRUE(keys.fast_cas_banned("k", later_promise));
  EXPECT_FALSE(keys.raised("k", later_promise));
  EXPECT_EQ(keys.mark_count(), 1U);
}

TEST(HomeKeys, EvictedWritesTakeNoMarksWithThem) {
  HomeKeys keys(1, 1000);
  keys.ban_fast_cas("a", promise);
  for (int i = 0; i < 100; ++i) keys.remember("k" + std::to_string(i), promise, written(11));
  EXPECT_TRUE(keys.fast_cas_banned("a", promise));
  keys.drop_marks();
  EXPECT_FALSE(keys.fast_cas_banned("a", promise));
}

}  // namespace
}  // namespace grey::cluster
