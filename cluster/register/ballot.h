// Ballots: the total order in which a register's history happens (register.md, rule 1). No clock
// takes part. A ballot names one attempt of one process for ever: the incarnation is made durable
// before a process mints its first ballot, and a process never repeats a sequence number.
#pragma once
#include <compare>
#include <cstdint>
#include <string>

#include "base/ids.h"

namespace grey::cluster {

struct Ballot {
  std::uint64_t epoch = 0;        // topology epoch; first, so that an old topology never wins
  std::uint64_t round = 0;        // raised above what a competitor used
  NodeId node = 0;                // who proposes
  std::uint64_t incarnation = 0;  // which life of that node
  std::uint64_t sequence = 0;     // which attempt in that life

  friend auto operator<=>(const Ballot&, const Ballot&) = default;
  /// False for the zero ballot, which is below every minted one.
  explicit operator bool() const noexcept { return *this != Ballot{}; }
  /// True if both belong to one interval: a home's ballots under one range promise (rule 18).
  bool same_interval(const Ballot& other) const noexcept {
    return epoch == other.epoch && round == other.round && node == other.node &&
           incarnation == other.incarnation;
  }
  /// "1.7.n2.3.42": epoch, round, node, incarnation, sequence.
  std::string to_string() const;
};

/// The ballots that an operation's attempts may use: above `low`, at most `round_high`, of one
/// epoch (rule 15). Chosen by the client from what homes told it, so that any coordinator can later
/// resolve the operation by going above round_high. `low` only sharpens that answer.
struct BallotWindow {
  std::uint64_t epoch = 0;
  Ballot low;
  std::uint64_t round_high = 0;

  bool contains(const Ballot& b) const noexcept {
    return b.epoch == epoch && b > low && b.round <= round_high;
  }
  /// True if the whole window is above `b`: no attempt of the operation can have had that ballot.
  bool above(const Ballot& b) const noexcept { return b.epoch < epoch || b <= low; }
};

}  // namespace grey::cluster
