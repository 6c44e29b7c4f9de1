#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "base/endian.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/send_batch.h"

namespace grey {
namespace {

TEST(ErrorTable, NumbersAreUniqueAndNamed) {
  std::set<int> seen{0};
#define GREY_ERROR(name, number, text)              \
  EXPECT_TRUE(seen.insert(number).second) << #name; \
  EXPECT_EQ(error_name(ErrorCode::name), #name);    \
  EXPECT_FALSE(error_text(ErrorCode::name).empty());
#include "base/error_table.def"
#undef GREY_ERROR
  EXPECT_FALSE(is_known_error(65535));
}

TEST(Random, SameSeedSameSequenceOnEveryMachine) {
  Random r(42);
  EXPECT_EQ(r.next(), 1546998764402558742ULL);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(r.below(7), 7u);
}

TEST(Hash, FastCrcEqualsTheReference) {
  Random r(1);
  Bytes data;
  for (int length = 0; length < 300; ++length) {
    EXPECT_EQ(crc32(0, data), crc32_reference(0, data)) << length;
    data.push_back(static_cast<char>(r.next()));
  }
  EXPECT_EQ(crc32(0, "123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32(crc32(0, "1234"), "56789"), 0xcbf43926u);
}

TEST(SendBatch, KeepsOrderAcrossCopiedAndSharedPieces) {
  SendBatch batch;
  batch.append("abc");
  batch.append("def");
  const SharedBytes large(Bytes(SendBatch::share_threshold_bytes, 'x'));
  batch.append_shared(large);
  batch.append_shared(SharedBytes::copy_of("small"));
  batch.append("end");
  EXPECT_EQ(batch.piece_count(), 3u);
  EXPECT_EQ(batch.piece(1).data(), large.view().data()) << "a large piece is not copied";
  EXPECT_EQ(batch.flatten(), "abcdef" + Bytes(large.view()) + "smallend");
  EXPECT_EQ(batch.size(), batch.flatten().size());
  batch.clear();
  EXPECT_TRUE(batch.empty());
}

TEST(SendBatch, SharesPartsAndLendsRoom) {
  SendBatch batch;
  std::memcpy(batch.extend(3), "abc", 3);
  const SharedBytes large(Bytes(SendBatch::share_threshold_bytes, 'x') + "tail");
  batch.append_shared(large, 4, SendBatch::share_threshold_bytes);
  batch.append_shared(large, 1, 2);
  EXPECT_EQ(batch.piece_count(), 3u);
  EXPECT_EQ(batch.piece(1).data(), large.view().data() + 4);
  EXPECT_EQ(batch.flatten(), "abc" + Bytes(SendBatch::share_threshold_bytes - 4, 'x') + "tailxx");
  batch.clear();
  Bytes all;
  for (int i = 0; i < 100; ++i) batch.append("seven b"), all += "seven b";
  EXPECT_EQ(batch.flatten(), all) << "also when the arena grows";
}

TEST(Endian, RoundTrip) {
  char raw[8];
  store_be<std::uint64_t>(raw, 0x0102030405060708ULL);
  EXPECT_EQ(raw[0], 1);
  EXPECT_EQ(load_be<std::uint64_t>(raw), 0x0102030405060708ULL);
}

}  // namespace
}  // namespace grey
