// What nodes have told about ballots, and the window that a new submission gets from it
// (register.md, rule 15): from the last ballot of the range's home, so that its one-round path
// stays open, to some rounds above the highest seen, so that a few competitors fit in.
//
// Only for its owner's thread.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/data_messages.h"

namespace grey::client {

class WindowBook {
 public:
  /// How far above the highest round seen a window reaches. RESOLVE goes above the window, so wide
  /// windows would drive rounds up.
  static constexpr std::uint64_t rounds_ahead = 64;

  /// Begins anew for a topology; rounds seen are kept, homes are not.
  void reset(std::uint64_t epoch, std::size_t range_count);
  void note_round(std::uint64_t round) noexcept;
  void note_hint(std::size_t range, const protocol::WireHint& hint);
  protocol::WireWindow window(std::size_t range) const;

 private:
  std::uint64_t epoch_ = 0;
  std::uint64_t highest_round_ = 0;
  std::vector<protocol::WireBallot> homes_;  // by range; zero: not known
};

}  // namespace grey::client
