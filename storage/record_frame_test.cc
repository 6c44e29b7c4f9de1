#include "storage/record_frame.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace grey::storage {
namespace {

ErrorCode outcome(ByteView key, ByteView stored, std::uint16_t version_max = 3) {
  const auto opened = open_record(key, stored, version_max);
  return opened ? ErrorCode::ok : opened.error().code;
}

TEST(RecordFrame, OpensWhatWasSealed) {
  for (const std::size_t size : {0, 1, 16, 240, 241, 5000}) {
    const Bytes payload(size, 'p');
    const Bytes stored = seal_record(2, "key", payload);
    EXPECT_EQ(stored.size(), record_frame_bytes + size);
    const auto opened = open_record("key", stored, 3);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->version, 2);
    EXPECT_EQ(opened->payload, payload);
  }
}

// Stored data outlives the program that wrote it: these bytes must open for ever.
TEST(RecordFrame, TheFormatIsPinned) {
  const Bytes stored = seal_record(1, "key", "payload");
  EXPECT_EQ(stored.substr(8), ByteView("\0\1payload", 9));
  EXPECT_EQ(stored.substr(0, 8), ByteView("\x84\x12"
                                          "2F\xF8\xCFw\xEF",
                                          8));
  EXPECT_EQ(outcome("key", stored), ErrorCode::ok);
}

TEST(RecordFrame, SealingInPlaceGivesTheSameBytes) {
  Bytes record(record_frame_bytes, '?');
  record += "payload";
  seal_record_in_place(7, "key", record);
  EXPECT_EQ(record, seal_record(7, "key", "payload"));
}

TEST(RecordFrame, EveryFlippedBitAndTruncationIsNoticed) {
  const Bytes sealed = seal_record(1, "key", "a payload of some length");
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes damaged = sealed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(outcome("key", damaged), ErrorCode::storage_corrupt) << "bit " << bit;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(outcome("key", sealed.substr(0, size)), ErrorCode::storage_corrupt) << size;
  }
  EXPECT_EQ(outcome("key", sealed + '\0'), ErrorCode::storage_corrupt);
}

TEST(RecordFrame, ARecordUnderAnotherKeyIsCorrupt) {
  const Bytes sealed = seal_record(1, "key", "payload");
  EXPECT_EQ(outcome("kez", sealed), ErrorCode::storage_corrupt);
  EXPECT_EQ(outcome("", sealed), ErrorCode::storage_corrupt);
  // Bytes moved across the boundary of key and payload do not cancel out.
  EXPECT_NE(seal_record(1, "ab", "cd").substr(0, 8), seal_record(1, "abc", "d").substr(0, 8));
}

TEST(RecordFrame, ANewerVersionIsNamedAsSuchOnlyIfTheRecordIsSound) {
  Bytes sealed = seal_record(4, "key", "payload");
  const auto opened = open_record("key", sealed, 3);
  EXPECT_EQ(opened.error().code, ErrorCode::storage_newer_format);
  EXPECT_NE(opened.error().detail.find("format 4"), std::string::npos);
  sealed.back() ^= 1;
  EXPECT_EQ(outcome("key", sealed), ErrorCode::storage_corrupt);
}

TEST(RecordFrame, ArbitraryBytesNeverOpen) {
  Random random(9);
  for (int i = 0; i < 20000; ++i) {
    Bytes noise(random.below(40), '\0');
    for (auto& byte : noise) byte = static_cast<char>(random.next());
    EXPECT_EQ(outcome("key", noise), ErrorCode::storage_corrupt);
  }
}

}  // namespace
}  // namespace grey::storage
