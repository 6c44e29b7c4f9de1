#include "cluster/register/record_codec.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace grey::cluster {
namespace {

Ballot random_ballot(Random& random) {
  return {random.between(1, 3), random.next() >> random.below(64),
          static_cast<NodeId>(random.next()), random.next() >> random.below(64), random.next()};
}

Bytes random_bytes(Random& random, std::size_t size_max) {
  Bytes out(random.below(size_max + 1), '\0');
  for (char& c : out) c = static_cast<char>(random.next());
  return out;
}

Record random_record(Random& random) {
  Record record;
  record.ballot = random_ballot(random);
  if (random.chance(0.6)) {
    record.base = random.chance(0.2) ? Ballot{} : random_ballot(random);
    if (*record.base > record.ballot) std::swap(*record.base, record.ballot);
    if (*record.base == record.ballot) record.base.reset();
  }
  record.operation = {{random.next(), random.next()}, random.next()};
  record.kind = random.chance(0.3) ? RecordKind::tombstone : RecordKind::value;
  if (record.has_value()) record.value = SharedBytes(random_bytes(random, 300));
  return record;
}

void expect_same(const Record& a, const Record& b) {
  EXPECT_EQ(a.ballot, b.ballot);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.base, b.base);
  EXPECT_EQ(a.operation, b.operation);
  EXPECT_EQ(a.value.view(), b.value.view());
}

/// Decodes in a buffer of its exact size, so that a sanitizer sees a read beyond its end.
Result<Record> decode_exactly(ByteView bytes) {
  const std::vector<char> exact(bytes.begin(), bytes.end());
  return decode_record(ByteView(exact.data(), exact.size()));
}

TEST(RecordCodec, RecordsSurviveARoundTrip) {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const Record record = random_record(random);
    const auto decoded = decode_exactly(encode_record(record));
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message();
    expect_same(record, *decoded);
  }
}

TEST(RecordCodec, LeavesRoomInFront) {
  Random random(2);
  const Record record = random_record(random);
  const Bytes plain = encode_record(record);
  const Bytes roomy = encode_record(record, 10);
  EXPECT_EQ(roomy, Bytes(10, '\0') + plain);
  EXPECT_EQ(encode_promise(record.ballot, 10), Bytes(10, '\0') + encode_promise(record.ballot));
  const RangeState state{record.ballot, {}};
  EXPECT_EQ(encode_range_state(state, 10), Bytes(10, '\0') + encode_range_state(state));
}

// The layout is on disks. A value record without a base, byte by byte.
TEST(RecordCodec, TheLayoutIsPinned) {
  Record record;
  record.ballot = {1, 2, 3, 4, 5};
  record.kind = RecordKind::tombstone;
  record.operation = {{6, 7}, 8};
  Bytes expected(1, '\0');  // flags
  const auto be = [&expected](std::uint64_t value, int size) {
    for (int i = size - 1; i >= 0; --i) expected.push_back(static_cast<char>(value >> (8 * i)));
  };
  be(1, 8), be(2, 8), be(3, 4), be(4, 8), be(5, 8);
  EXPECT_EQ(expected.size(), 1 + ballot_size_bytes);
  EXPECT_EQ(encode_promise(record.ballot), expected.substr(1));
  be(6, 8), be(7, 8), be(8, 8);
  EXPECT_EQ(encode_record(record), expected);
  record.base = Ballot{};
  expected.insert(1 + ballot_size_bytes, Bytes(ballot_size_bytes, '\0'));
  expected[0] = 2;
  EXPECT_EQ(encode_record(record), expected);
  record.kind = RecordKind::value;
  record.value = SharedBytes::copy_of("xyz");
  const Bytes with_value = encode_record(record);
  EXPECT_EQ(with_value[0], 3);
  EXPECT_EQ(with_value.size(), expected.size() + 16 + 3);
  EXPECT_TRUE(with_value.ends_with("xyz"));
}

TEST(RecordCodec, EveryTruncationIsRefused) {
  Random random(3);
  for (int i = 0; i < 50; ++i) {
    const Bytes whole = encode_record(random_record(random));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto decoded = decode_exactly(ByteView(whole).substr(0, size));
      ASSERT_FALSE(decoded.has_value()) << size;
      ASSERT_EQ(decoded.error().code, ErrorCode::storage_corrupt);
    }
  }
}

// What is flipped in a ballot or an id cannot be seen here (the envelope's checksum sees it), but
// what comes out is a valid record; a flip in a value never comes out.
TEST(RecordCodec, AFlippedBitIsRefusedOrStillAValidRecord) {
  Random random(4);
  for (int i = 0; i < 40; ++i) {
    const Record record = random_record(random);
    const Bytes whole = encode_record(record);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
      Bytes damaged = whole;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      const auto decoded = decode_exactly(damaged);
      if (!decoded) {
        ASSERT_EQ(decoded.error().code, ErrorCode::storage_corrupt);
        continue;
      }
      ASSERT_EQ(encode_record(*decoded), damaged);
      ASSERT_TRUE(!decoded->base || *decoded->base < decoded->ballot);
      if (record.has_value()) {
        ASSERT_EQ(decoded->value.view(), record.value.view());
      }
    }
  }
}

TEST(RecordCodec, WhateverIsDecodedWasWrittenByTheEncoder) {
  Random random(5);
  int valid = 0;
  for (int i = 0; i < 20000; ++i) {
    Bytes hostile = random_bytes(random, 150);
    if (random.chance(0.5)) {
      hostile = encode_record(random_record(random));
      for (std::uint64_t n = random.below(4); n > 0; --n) {
        hostile[random.below(hostile.size())] = static_cast<char>(random.next());
      }
    }
    if (const auto decoded = decode_exactly(hostile)) {
      ++valid;
      ASSERT_EQ(encode_record(*decoded), hostile);
    }
  }
  EXPECT_GT(valid, 1000);
}

TEST(RecordCodec, RefusesWhatTheEncoderNeverWrites) {
  Record record;
  record.ballot = {1, 2, 3, 4, 5};
  record.kind = RecordKind::tombstone;
  const Bytes tombstone = encode_record(record);
  EXPECT_FALSE(decode_record(tombstone + "x").has_value());
  Bytes newer = tombstone;
  newer[0] = 4;  // a flag of the future
  EXPECT_FALSE(decode_record(newer).has_value());
  record.base = record.ballot;
  EXPECT_FALSE(decode_record(encode_record(record)).has_value());
  record.base.reset();
  record.ballot = {};
  EXPECT_FALSE(decode_record(encode_record(record)).has_value());
}

TEST(RecordCodec, PromisesAndRangeStatesSurviveAndRefuseAnyOtherSize) {
  Random random(6);
  for (int i = 0; i < 200; ++i) {
    const Ballot promised = random_ballot(random);
    const Bytes promise = encode_promise(promised);
    EXPECT_EQ(decode_promise(promise).value(), promised);
    RangeState state{promised, random_ballot(random)};
    if (state.purge_floor > state.promised) std::swap(state.purge_floor, state.promised);
    const Bytes range = encode_range_state(state);
    const auto decoded = decode_range_state(range);
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded->promised, state.promised);
    EXPECT_EQ(decoded->purge_floor, state.purge_floor);
    for (std::size_t size = 0; size < range.size(); ++size) {
      if (size != promise.size()) {
        EXPECT_FALSE(decode_promise(ByteView(range).substr(0, size)));
      }
      EXPECT_FALSE(decode_range_state(ByteView(range).substr(0, size)));
    }
    EXPECT_FALSE(decode_promise(promise + "x"));
    EXPECT_FALSE(decode_range_state(range + "x"));
  }
  EXPECT_FALSE(decode_range_state(encode_range_state({{1, 1, 1, 1, 1}, {1, 2, 1, 1, 1}})));
}

TEST(RecordCodec, StorageKeysSortByTokenAndNameTheirKind) {
  const KeyName low = KeyName::make("t", "z", 5);
  const KeyName high = KeyName::make("t", "a", 600);
  EXPECT_LT(record_storage_key(low), record_storage_key(high));
  EXPECT_LT(promise_storage_key(low), promise_storage_key(high));
  EXPECT_LT(index_storage_key(high), index_storage_key(low));  // by name
  EXPECT_EQ(record_storage_key(low).substr(1), promise_storage_key(low).substr(1));
  EXPECT_NE(record_storage_key(low), promise_storage_key(low));
  EXPECT_EQ(low.tenant(), "t");
  EXPECT_EQ(low.key(), "z");

  const auto [first, last] = range_storage_bounds();
  for (const RangeToken token : {RangeToken{0}, RangeToken{42}, ~RangeToken{0}}) {
    const Bytes key = range_storage_key(token);
    EXPECT_GE(key, first);
    EXPECT_LT(key, last);
    EXPECT_EQ(parse_range_storage_key(key).value(), token);
  }
  EXPECT_FALSE(parse_range_storage_key("R123").has_value());
  EXPECT_FALSE(parse_range_storage_key(record_storage_key(low)).has_value());
}

}  // namespace
}  // namespace grey::cluster
