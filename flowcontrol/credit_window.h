// Credit of one direction of one connection. The receiver of messages grants, the sender spends.
// Both count cumulatively and in absolute numbers from the start of the connection (bytes and
// messages since HELLO), so that a grant is idempotent and can never be added twice.
//
// Promises:
// - The receiver never has more than its window of unreleased bytes and messages to hold: what is
//   granted stays within released + window. A peer that sends beyond its grant is refused with
//   credit_violation before the bytes are counted.
// - A sender never spends what was not granted, and refuses (bad_credit) a grant that goes back or
//   that is so large that sums could wrap.
// - A unit (a frame) of at most unit_bytes_max(window) bytes always gets its turn once everything
//   before it was released, although grants are only due at half a window. Larger ones could wait
//   for ever: cut them into chunks.
// Pure values; not thread-safe.
#pragma once
#include <cstdint>

#include "base/error.h"

namespace grey::flowcontrol {

/// An amount of credit, or a cumulative total of it.
struct Credit {
  std::uint64_t bytes = 0;
  std::uint64_t messages = 0;
  friend bool operator==(const Credit&, const Credit&) = default;
};

/// No cumulative total may exceed this. At 100 GB/s it lasts for a year; sums of two cannot wrap.
inline constexpr std::uint64_t credit_total_max = std::uint64_t{1} << 62;

/// The largest unit that a window of `window_bytes` is sure to let through in the end.
constexpr std::uint64_t unit_bytes_max(std::uint64_t window_bytes) noexcept {
  return window_bytes - window_bytes / 2;
}

/// The sender's side: what the peer allows.
class SendWindow {
 public:
  SendWindow() = default;

  /// What may be sent now.
  Credit available() const noexcept {
    return {granted_.bytes - spent_.bytes, granted_.messages - spent_.messages};
  }
  bool can_send(std::uint64_t bytes) const noexcept {
    return granted_.messages != spent_.messages && bytes <= granted_.bytes - spent_.bytes;
  }
  /// Spends one message of `bytes`. The caller has asked can_send().
  void consume(std::uint64_t bytes) noexcept;
  /// The peer's new cumulative totals (the initial grant is the first of them). Fails with
  /// bad_credit and changes nothing if either went back or exceeds credit_total_max.
  Status on_grant(Credit totals);

  /// Everything granted and spent since the start.
  Credit granted() const noexcept { return granted_; }
  Credit spent() const noexcept { return spent_; }
  /// Always-on check of what must hold between any two calls.
  void check_invariants() const noexcept;

 private:
  Credit granted_;
  Credit spent_;
};

/// The receiver's side: what the peer was allowed, what arrived and what of that is done with.
class ReceiveWindow {
 public:
  /// `window` is the most that may be unreleased at any time; neither part may be 0.
  explicit ReceiveWindow(Credit window) noexcept;

  /// The cumulative totals that the peer holds; right after construction, the initial grant.
  Credit granted() const noexcept { return granted_; }
  /// A message of `bytes` arrived. Fails with credit_violation, counting nothing, if it is more
  /// than the peer may send.
  Status on_received(std::uint64_t bytes);
  /// `messages` messages of `bytes` altogether are done with: handled, cancelled, expired, failed.
  void release(std::uint64_t bytes, std::uint64_t messages = 1) noexcept;
  /// True if at least half of the window, in bytes or in messages, can be granted anew.
  bool grant_due() const noexcept;
  /// Grants all that can be granted and returns the new cumulative totals to send.
  Credit grant() noexcept;

  /// Received and not yet released.
  Credit unreleased() const noexcept {
    return {received_.bytes - released_.bytes, received_.messages - released_.messages};
  }
  Credit window() const noexcept { return window_; }
  Credit received() const noexcept { return received_; }
  Credit released() const noexcept { return released_; }
  /// Always-on check of what must hold between any two calls.
  void check_invariants() const noexcept;

 private:
  Credit window_;
  Credit granted_;
  Credit received_;
  Credit released_;
};

}  // namespace grey::flowcontrol
