// What the clients of a simulated run did and saw: the input of the linearizability check. Written
// values are unique numbers, so a version (the operation that wrote a value) and the value say the
// same thing.
#pragma once
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace grey::sim {

enum class EventKind : std::uint8_t { get, put, remove, cas };

enum class EventOutcome : std::uint8_t {
  applied,      // took effect between invocation and return (a get: saw `seen`)
  mismatched,   // cas: did not, because the key held something other than `expected`
  not_applied,  // never took and never will take effect
  unknown,      // took effect after its invocation, or will, or never will
};

/// 0 stands for "absent" wherever a value is meant.
using ValueNumber = std::uint64_t;

struct HistoryEvent {
  std::uint32_t client = 0;
  std::uint32_t key = 0;
  std::uint64_t sequence = 0;  // counts the client's operations
  EventKind kind = EventKind::get;
  EventOutcome outcome = EventOutcome::unknown;
  ValueNumber written = 0;   // put, cas (0: cas to absent)
  ValueNumber expected = 0;  // cas
  ValueNumber seen = 0;      // get
  MonotonicTime invoked{};
  MonotonicTime returned = never;
};

using History = std::vector<HistoryEvent>;

/// Two runs with the same hash of their worlds and of their histories were the same run.
std::uint64_t hash_of(const History& history, std::uint64_t world_hash);

}  // namespace grey::sim
