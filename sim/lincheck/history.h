// What clients asked of a store and what they were told: the input of the linearizability checker.
// A history is recorded as it happens: invoke() when a request leaves, complete() when its answer
// is in. The order of these calls is the order of events that the verdict rests on; the times given
// with them are for people.
//
// Not thread-safe.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"

namespace grey::lincheck {

/// Stands for a byte string (a key or a value) within one history. Equal strings, equal numbers.
using Text = std::uint32_t;
/// No value: the key does not exist.
inline constexpr Text absent = 0;
/// Some value that no operation of the history could tell from others (in violations only).
inline constexpr Text some_value = ~Text{0};

/// Names the write that made a value, chosen by the caller; 0: not given or not compared.
using Version = std::uint64_t;

enum class Kind : std::uint8_t { get, put, remove, cas };

enum class Outcome : std::uint8_t {
  unknown,     // may take effect at any time after the invocation, or never; also: no answer yet
  ok,          // took effect between invocation and answer
  failed,      // a compare-and-swap that found something else
  not_applied  // had no effect and never will
};

/// What a compare-and-swap requires: that the key is absent, or holds a value, or a version.
struct Expected {
  static Expected nothing() { return {absent, 0}; }
  static Expected value_is(Text value) { return {value, 0}; }
  static Expected version_is(Version version) { return {std::nullopt, version}; }
  std::optional<Text> value;  // `absent`: the key must not exist; none: any value of that version
  Version version = 0;
};

struct Call {
  std::uint32_t process = 0;
  Text key = 0;
  Kind kind = Kind::get;
  Text value = absent;  // put, cas: what it writes; a cas may write `absent`
  Version version = 0;  // put, cas: the version it writes
  Expected expected{};  // cas
};

/// The value that a get, or a failed cas, was told.
struct Seen {
  Text value = absent;
  Version version = 0;
};

struct Reply {
  Outcome outcome = Outcome::unknown;
  std::optional<Seen> seen{};  // required of a get that is ok; optional for a failed cas
};

struct Operation {
  Call call;
  Reply reply;
  std::uint64_t invoked = 0;   // place in the order of all events
  std::uint64_t returned = 0;  // the same; 0 while there is no answer
  std::int64_t invoked_ns = 0;
  std::int64_t returned_ns = 0;
};

using OperationIndex = std::uint32_t;

class History {
 public:
  /// The number that stands for `bytes`. (It never is `absent`.)
  Text intern(ByteView bytes);
  /// For people: the bytes, shortened and with unprintable ones escaped.
  std::string show(Text text) const;

  OperationIndex invoke(const Call& call, std::int64_t time_ns = 0);
  /// At most once per operation; an operation without it ends unknown.
  void complete(OperationIndex index, const Reply& reply, std::int64_t time_ns = 0);

  const std::vector<Operation>& operations() const noexcept { return operations_; }

  /// The same names for the same texts, and no operation.
  History without_operations() const;

 private:
  std::vector<Operation> operations_;
  std::uint64_t events_ = 0;
  std::map<Hash128, Text> interned_;
  std::vector<std::string> shown_{"absent"};
};

}  // namespace grey::lincheck
