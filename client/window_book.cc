#include "client/window_book.h"

#include <algorithm>

namespace grey::client {

void WindowBook::reset(std::uint64_t epoch, std::size_t range_count) {
  epoch_ = epoch;
  homes_.assign(range_count, {});
}

void WindowBook::note_round(std::uint64_t round) noexcept {
  constexpr std::uint64_t ceiling = protocol::limit::round_end - 1 - rounds_ahead;
  highest_round_ = std::max(highest_round_, std::min(round, ceiling));
}

void WindowBook::note_hint(std::size_t range, const protocol::WireHint& hint) {
  note_round(hint.round_seen);
  if (!hint.home || range >= homes_.size() || hint.home->epoch != epoch_) return;
  note_round(hint.home->round);
  // Only upwards: answers overtake one another.
  homes_[range] = std::max(homes_[range], *hint.home);
}

protocol::WireWindow WindowBook::window(std::size_t range) const {
  protocol::WireWindow window;
  window.epoch = epoch_;
  if (range < homes_.size()) window.low = homes_[range];
  window.round_high = std::max(highest_round_, window.low.round) + rounds_ahead;
  return window;
}

}  // namespace grey::client
