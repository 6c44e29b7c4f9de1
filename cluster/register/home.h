// The home of ranges: the promises this coordinator holds for whole ranges, which let it write in
// one round, and what it remembers of single keys under them (register.md, rules 8 to 10 and 18).
// Home is an optimisation, never a requirement: losing a promise costs a round, nothing else.
// Pure; used by Coordinator.
#pragma once
#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "cluster/register/record.h"

namespace grey::cluster {

/// One range's promise, from this coordinator's point of view.
struct HomeRange {
  enum class State : std::uint8_t { idle, acquiring, held };
  State state = State::idle;
  Ballot promise;  // being acquired, or held by a majority
  ReplicaSet replicas;
  std::array<bool, ReplicaSet::capacity> granted{};
  std::array<bool, ReplicaSet::capacity> settled{};
  std::uint32_t generation = 0;
  std::uint32_t tries = 0;
  std::uint64_t round_seen = 0;
  MonotonicTime due{};                 // acquiring: when to give up
  MonotonicTime not_before{};          // idle: do not try again earlier; held: nor promise again
  std::vector<std::uint64_t> waiting;  // operations that wait for the promise
};

/// What the home knows of keys under its current promises. Entries of an older promise are stale
/// and count as absent. Remembered writes may be forgotten at any time; marks may not, so a full
/// table of marks makes the caller promise its ranges anew.
class HomeKeys {
 public:
  explicit HomeKeys(std::size_t cached_writes_max, std::size_t cached_bytes_max)
      : writes_max_(cached_writes_max), bytes_max_(cached_bytes_max) {}

  /// Rule 9: the home's own last chosen write of `promise`, or null.
  const Record* last_write(ByteView key, const Ballot& promise) const;
  void remember(ByteView key, const Ballot& promise, const Record& chosen);
  void forget(ByteView key);

  /// Rule 9: no one-round CAS on the key until a later write of this promise is chosen.
  void ban_fast_cas(ByteView key, const Ballot& promise);
  bool fast_cas_banned(ByteView key, const Ballot& promise) const;
  /// Rule 18: somebody prepared the key above the home's interval.
  void mark_raised(ByteView key, const Ballot& promise);
  bool raised(ByteView key, const Ballot& promise) const;

  std::size_t mark_count() const noexcept { return marks_.size(); }
  /// Drops all marks; allowed only once no promise that they were made under is held.
  void drop_marks() { marks_.clear(); }

 private:
  struct Mark {
    Ballot promise;
    bool no_fast_cas = false;
    bool raised = false;
  };
  struct Write {
    Bytes key;
    Ballot promise;
    Record record;
  };
  Mark& mark(ByteView key, const Ballot& promise);
  const Mark* find_mark(ByteView key, const Ballot& promise) const;
  void evict();

  std::size_t writes_max_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::unordered_map<Bytes, Mark> marks_;
  std::list<Write> writes_;  // newest first
  std::unordered_map<ByteView, std::list<Write>::iterator> write_of_;
};

}  // namespace grey::cluster
