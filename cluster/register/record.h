// What a replica holds of a key and of a range. A record is one accepted proposal; the state of a
// key is its newest accepted record and the highest ballot promised for it; the state of a range is
// what holds for all of its keys together.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "base/ids.h"
#include "cluster/register/ballot.h"

namespace grey::cluster {

enum class RecordKind : std::uint8_t { absent = 0, tombstone = 1, value = 2 };

struct Record {
  Ballot ballot;  // of the proposal; the replica's purge floor if absent (rule 6)
  RecordKind kind = RecordKind::absent;
  /// The ballot of the record that this one was derived from; none: unknown. A base that is
  /// falsely old is unsafe (rule 8), an unknown one only makes answers less sharp.
  std::optional<Ballot> base;
  OperationId operation;  // who wrote it; identity copies keep it (rule 7)
  SharedBytes value;      // empty unless kind is value

  bool has_value() const noexcept { return kind == RecordKind::value; }
  /// The copy that an identity round proposes at `at`: same content and operation. It keeps the
  /// base; where that is unknown it names its source instead (rule 7 allows either), so that a
  /// later doubt about an operation younger than the source still finds an answer.
  Record identity_at(const Ballot& at) const {
    Record copy = *this;
    if (!copy.base) copy.base = ballot;
    copy.ballot = at;
    if (copy.kind == RecordKind::absent) copy.kind = RecordKind::tombstone;
    return copy;
  }
};

struct KeyState {
  Ballot promised;  // never below accepted.ballot
  Record accepted;
};

struct RangeState {
  Ballot promised;     // holds for every key of the range
  Ballot purge_floor;  // tombstones at or below may have been dropped (rule 13)
};

/// A key's full name and its place. `packed` is the tenant's length (one byte), the tenant and the
/// key: the one form in which keys are hashed, compared and stored.
struct KeyName {
  Bytes packed;
  std::uint64_t token = 0;

  static KeyName make(ByteView tenant, ByteView key, std::uint64_t token) {
    GREY_CHECK(tenant.size() <= 255);
    KeyName name;
    name.packed.reserve(1 + tenant.size() + key.size());
    name.packed.push_back(static_cast<char>(tenant.size()));
    name.packed += tenant;
    name.packed += key;
    name.token = token;
    return name;
  }
  ByteView tenant() const noexcept {
    return ByteView(packed).substr(1, static_cast<unsigned char>(packed[0]));
  }
  ByteView key() const noexcept {
    return ByteView(packed).substr(1u + static_cast<unsigned char>(packed[0]));
  }
};

/// A range's stable name: the token at the end of its arc.
using RangeToken = std::uint64_t;

/// The replicas of a range, in ring order: the first is its preferred home.
struct ReplicaSet {
  static constexpr std::size_t capacity = 9;
  std::array<NodeId, capacity> nodes{};
  std::uint8_t count = 0;

  std::size_t majority() const noexcept { return count / 2u + 1u; }
  /// Position of `node`, or -1.
  int index_of(NodeId node) const noexcept {
    for (int i = 0; i < count; ++i) {
      if (nodes[static_cast<std::size_t>(i)] == node) return i;
    }
    return -1;
  }
};

/// Where a key lives.
struct Placement {
  RangeToken range = 0;
  ReplicaSet replicas;
};

}  // namespace grey::cluster
