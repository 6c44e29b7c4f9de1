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

/// The ballots that an operation's attempts may use: rounds in (round_low, round_high] of one epoch
/// (rule 15). Chosen by the client, so that any coordinator can later resolve the operation by
/// going above round_high.
struct BallotWindow {
  std::uint64_t epoch = 0;
  std::uint64_t round_low = 0;
  std::uint64_t round_high = 0;

  bool contains(const Ballot& b) const noexcept {
    return b.epoch == epoch && b.round > round_low && b.round <= round_high;
  }
  /// True if `b` is at or below the window's lower end.
  bool above(const Ballot& b) const noexcept {
    return b.epoch < epoch || (b.epoch == epoch && b.round <= round_low);
  }
};

}  // namespace grey::cluster
