// What the end of one attempt means for the operation: the one place that knows which answers
// prove that a write was not applied, and which leave it in doubt.
#pragma once
#include <cstdint>

#include "base/error.h"

namespace grey::client {

enum class OperationType : std::uint8_t { get, put, remove, cas, resolve };

/// What was sent: the operation itself, or a RESOLVE about an earlier submission of it.
enum class AttemptKind : std::uint8_t { read, submit, resolve };

struct AttemptEnd {
  ErrorCode code = ErrorCode::ok;
  bool sent = false;      // some of it may have left this process
  bool answered = false;  // the code is the node's
};

enum class Meaning : std::uint8_t {
  success,
  failure,       // the code is the operation's outcome
  elsewhere,     // not applied; another node may do better
  later,         // not applied; everyone may do better in a moment
  rewindow,      // not applied; try again with a newer window
  refresh,       // not applied; the topology has changed
  larger_reply,  // a get whose answer did not fit
  in_doubt       // a write that may have been applied
};

Meaning meaning_of(AttemptKind kind, const AttemptEnd& end) noexcept;

}  // namespace grey::client
