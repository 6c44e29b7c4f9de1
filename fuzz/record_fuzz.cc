// What comes back from the disk: the checksummed frame around a record, the payloads in it, the
// storage keys, the directory's identity. Nothing but what was written may be accepted. Checksums
// and hashes keep random bytes out, so half of the inputs get right ones put around them, as an
// attacker or another version would.
#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"
#include "cluster/register/record_codec.h"
#include "fuzz/byte_source.h"
#include "storage/data_directory/identity.h"
#include "storage/record_frame.h"

namespace {

using namespace grey;

constexpr std::uint16_t version_max = 3;

// Bytes that claim to be a record, a promise or a range's state: refused as corrupt, or exactly
// what the encoder writes of what was read.
void decode_payload(ByteView payload) {
  if (const auto record = cluster::decode_record(payload)) {
    GREY_CHECK(record->kind != cluster::RecordKind::absent && record->ballot);
    GREY_CHECK(!record->base || *record->base < record->ballot);
    GREY_CHECK(cluster::encode_record(*record) == payload);
  } else {
    GREY_CHECK(record.error().code == ErrorCode::storage_corrupt);
  }
  if (const auto promised = cluster::decode_promise(payload)) {
    GREY_CHECK(cluster::encode_promise(*promised) == payload);
  } else {
    GREY_CHECK(promised.error().code == ErrorCode::storage_corrupt);
  }
  if (const auto state = cluster::decode_range_state(payload)) {
    GREY_CHECK(state->purge_floor <= state->promised);
    GREY_CHECK(cluster::encode_range_state(*state) == payload);
  } else {
    GREY_CHECK(state.error().code == ErrorCode::storage_corrupt);
  }
  if (const auto range = cluster::parse_range_storage_key(payload)) {
    GREY_CHECK(cluster::range_storage_key(*range) == payload);
    const auto [begin, end] = cluster::range_storage_bounds();
    GREY_CHECK(begin <= payload && payload < end);
  }
}

void open_raw(ByteView key, ByteView stored) {
  const auto opened = storage::open_record(key, stored, version_max);
  if (opened) {
    GREY_CHECK(opened->version != 0 && opened->version <= version_max);
    GREY_CHECK(storage::seal_record(opened->version, key, opened->payload) == stored);
  } else {
    GREY_CHECK(opened.error().code == ErrorCode::storage_corrupt ||
               opened.error().code == ErrorCode::storage_newer_format);
  }
}

// A sealed record comes back as it was, and in no other place, version or shape.
void seal_and_damage(fuzz::ByteSource& in, ByteView key, ByteView payload) {
  const auto version = static_cast<std::uint16_t>(1 + in.below(6));
  const Bytes sealed = storage::seal_record(version, key, payload);
  const auto opened = storage::open_record(key, sealed, version_max);
  if (version > version_max) {
    GREY_CHECK(!opened && opened.error().code == ErrorCode::storage_newer_format);
  } else {
    GREY_CHECK(opened && opened->version == version && opened->payload == payload);
  }
  const auto refused = [&](ByteView at, const Bytes& stored) {
    const auto result = storage::open_record(at, stored, 0xffff);
    return !result && result.error().code == ErrorCode::storage_corrupt;
  };
  GREY_CHECK(refused(Bytes(key) + "x", sealed));
  Bytes damaged = sealed;
  const std::uint32_t bit = in.below(65'535) % static_cast<std::uint32_t>(damaged.size() * 8);
  damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
  GREY_CHECK(refused(key, damaged));
  GREY_CHECK(refused(key, sealed.substr(0, in.below(65'535) % sealed.size())));
  GREY_CHECK(refused(key, sealed + "x"));
}

// The fuzzer's payload with the value hash that it cannot guess, where a record would have it.
Bytes with_value_hash(ByteView payload, std::size_t value_size) {
  Bytes record(payload);
  if (record.size() < value_size + 16) return record;
  const Hash128 hash = xxh3_128(ByteView(record).substr(record.size() - value_size));
  char* at = record.data() + record.size() - value_size - 16;
  store_be(at, hash.high);
  store_be(at + 8, hash.low);
  return record;
}

void parse_identity(ByteView text) {
  const auto check = [](ByteView whole) {
    const auto identity = storage::parse_identity(whole, "identity");
    if (identity) {
      GREY_CHECK(storage::check_owner(identity->owner).has_value());
      const auto again = storage::parse_identity(storage::format_identity(*identity), "again");
      GREY_CHECK(again && *again == *identity);
    } else {
      GREY_CHECK(identity.error().code == ErrorCode::storage_corrupt ||
                 identity.error().code == ErrorCode::storage_newer_format);
    }
  };
  check(text);
  // The same with a right last line.
  constexpr char digits[] = "0123456789abcdef";
  const std::uint64_t sum = xxh3_64(text);
  Bytes signed_text = Bytes(text) + "checksum: ";
  for (int shift = 60; shift >= 0; shift -= 4) signed_text += digits[(sum >> shift) & 15];
  check(signed_text + "\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::ByteSource in(data, size);
  const std::uint8_t what = in.byte();
  if (what % 4 == 0) {
    parse_identity(in.rest());
    return 0;
  }
  const std::size_t value_size = in.byte();
  const ByteView key = in.take(what / 4);
  if (what % 4 == 1) {
    fuzz::ByteSource choices(data, size);
    seal_and_damage(choices, key, in.rest());
    return 0;
  }
  const ByteView rest = in.rest();
  open_raw(key, rest);
  decode_payload(what % 4 == 2 ? Bytes(rest) : with_value_hash(rest, value_size));
  return 0;
}
