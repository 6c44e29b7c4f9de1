#include "cluster/register/record_codec.h"

#include "base/endian.h"
#include "base/hash.h"

namespace grey::cluster {

namespace {

// Record flags. A reader refuses flags that it does not know: it could not tell what they change.
constexpr std::uint8_t flag_value = 1;  // else a tombstone
constexpr std::uint8_t flag_base_known = 2;
constexpr std::uint8_t flags_known = flag_value | flag_base_known;

constexpr char prefix_index = 'i';
constexpr char prefix_promise = 'p';
constexpr char prefix_record = 'r';
constexpr char prefix_range = 'R';

bool take(ByteView& in, std::size_t size, ByteView& out) {
  if (in.size() < size) return false;
  out = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

template <typename T>
bool take_be(ByteView& in, T& value) {
  ByteView raw;
  if (!take(in, sizeof(T), raw)) return false;
  value = load_be<T>(raw.data());
  return true;
}

std::unexpected<Error> corrupt(const char* what) { return fail(ErrorCode::storage_corrupt, what); }

Bytes key_with_token(char prefix, const KeyName& key) {
  Bytes out;
  out.reserve(1 + 8 + key.packed.size());
  out.push_back(prefix);
  append_be(out, key.token);
  out += key.packed;
  return out;
}

}  // namespace

void append_ballot(Bytes& out, const Ballot& ballot) {
  append_be(out, ballot.epoch);
  append_be(out, ballot.round);
  append_be(out, ballot.node);
  append_be(out, ballot.incarnation);
  append_be(out, ballot.sequence);
}

bool take_ballot(ByteView& in, Ballot& ballot) {
  return take_be(in, ballot.epoch) && take_be(in, ballot.round) && take_be(in, ballot.node) &&
         take_be(in, ballot.incarnation) && take_be(in, ballot.sequence);
}

// flags (1), ballot (36), base (36, if known), operation (24), value hash (16, if a value), value.
Bytes encode_record(const Record& record, std::size_t room) {
  Bytes out;
  out.reserve(room + 1 + 2 * ballot_size_bytes + 24 + 16 + record.value.size());
  out.resize(room);
  std::uint8_t flags = 0;
  if (record.has_value()) flags |= flag_value;
  if (record.base) flags |= flag_base_known;
  out.push_back(static_cast<char>(flags));
  append_ballot(out, record.ballot);
  if (record.base) append_ballot(out, *record.base);
  append_be(out, record.operation.client.high);
  append_be(out, record.operation.client.low);
  append_be(out, record.operation.sequence);
  if (record.has_value()) {
    const Hash128 hash = xxh3_128(record.value.view());
    append_be(out, hash.high);
    append_be(out, hash.low);
    out += record.value.view();
  }
  return out;
}

Result<Record> decode_record(ByteView in) {
  Record record;
  std::uint8_t flags = 0;
  if (!take_be(in, flags)) return corrupt("record is empty");
  if ((flags & ~flags_known) != 0) return corrupt("record has flags of a newer version");
  if (!take_ballot(in, record.ballot) || !record.ballot) return corrupt("record has no ballot");
  if ((flags & flag_base_known) != 0) {
    if (!take_ballot(in, record.base.emplace())) return corrupt("record has no base");
    if (*record.base >= record.ballot) return corrupt("record's base is not below its ballot");
  }
  if (!take_be(in, record.operation.client.high) || !take_be(in, record.operation.client.low) ||
      !take_be(in, record.operation.sequence)) {
    return corrupt("record has no operation id");
  }
  record.kind = RecordKind::tombstone;
  if ((flags & flag_value) != 0) {
    record.kind = RecordKind::value;
    Hash128 hash;
    if (!take_be(in, hash.high) || !take_be(in, hash.low)) return corrupt("record has no hash");
    if (xxh3_128(in) != hash) return corrupt("value does not match its hash");
    record.value = SharedBytes::copy_of(in);
  } else if (!in.empty()) {
    return corrupt("tombstone has a value");
  }
  return record;
}

Bytes encode_promise(const Ballot& promised, std::size_t room) {
  Bytes out(room, '\0');
  append_ballot(out, promised);
  return out;
}

Result<Ballot> decode_promise(ByteView in) {
  Ballot promised;
  if (!take_ballot(in, promised) || !in.empty()) return corrupt("promise has a wrong size");
  return promised;
}

Bytes encode_range_state(const RangeState& state, std::size_t room) {
  Bytes out(room, '\0');
  append_ballot(out, state.promised);
  append_ballot(out, state.purge_floor);
  return out;
}

Result<RangeState> decode_range_state(ByteView in) {
  RangeState state;
  if (!take_ballot(in, state.promised) || !take_ballot(in, state.purge_floor) || !in.empty()) {
    return corrupt("range state has a wrong size");
  }
  if (state.purge_floor > state.promised) return corrupt("purge floor above the promise");
  return state;
}

Bytes record_storage_key(const KeyName& key) { return key_with_token(prefix_record, key); }
Bytes promise_storage_key(const KeyName& key) { return key_with_token(prefix_promise, key); }

Bytes index_storage_key(const KeyName& key) { return prefix_index + key.packed; }

Bytes range_storage_key(RangeToken range) {
  Bytes out(1, prefix_range);
  append_be(out, range);
  return out;
}

std::pair<Bytes, Bytes> range_storage_bounds() {
  return {Bytes(1, prefix_range), Bytes(1, static_cast<char>(prefix_range + 1))};
}

Result<RangeToken> parse_range_storage_key(ByteView key) {
  if (key.size() != 9 || key[0] != prefix_range) return corrupt("not a range key");
  return load_be<RangeToken>(key.data() + 1);
}

}  // namespace grey::cluster
