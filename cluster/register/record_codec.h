// The stored form of a register: what goes into the engine's values, inside the checksummed
// envelope of storage/. Little state, fixed layout, big-endian; docs/adr/0003-disk-layout.md has
// the tables.
#pragma once
#include "base/bytes.h"
#include "base/error.h"
#include "cluster/register/record.h"

namespace grey::cluster {

/// Bytes of an encoded ballot.
inline constexpr std::size_t ballot_size_bytes = 36;

void append_ballot(Bytes& out, const Ballot& ballot);
/// Takes a ballot off the front of `in`; false if `in` is too short.
bool take_ballot(ByteView& in, Ballot& ballot);

// Every encoder leaves `room` zero bytes in front, for the envelope that is filled in place.

/// A tombstone or value record. The promise is not in it: accepting at a ballot promises it.
Bytes encode_record(const Record& record, std::size_t room = 0);
/// Fails with storage_corrupt for anything that encode_record() does not write.
Result<Record> decode_record(ByteView bytes);

Bytes encode_promise(const Ballot& promised, std::size_t room = 0);
Result<Ballot> decode_promise(ByteView bytes);

Bytes encode_range_state(const RangeState& state, std::size_t room = 0);
Result<RangeState> decode_range_state(ByteView bytes);

/// Engine keys. Records sort by token, then by packed key name; promises likewise; the index sorts
/// by packed key name, for listings by prefix.
Bytes record_storage_key(const KeyName& key);
Bytes promise_storage_key(const KeyName& key);
Bytes index_storage_key(const KeyName& key);
Bytes range_storage_key(RangeToken range);
/// First and one-past-last engine key of all range states.
std::pair<Bytes, Bytes> range_storage_bounds();
/// The range that range_storage_key() named; fails with storage_corrupt.
Result<RangeToken> parse_range_storage_key(ByteView key);

}  // namespace grey::cluster
