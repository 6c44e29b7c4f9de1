#include "client/reply_meaning.h"

namespace grey::client {
namespace {

// No answer: the code says what happened on this side.
Meaning unanswered(AttemptKind kind, const AttemptEnd& end) noexcept {
  if (end.sent) return kind == AttemptKind::submit ? Meaning::in_doubt : Meaning::elsewhere;
  switch (end.code) {
    case ErrorCode::overloaded:  // our own queue to that node is full
      return Meaning::later;
    case ErrorCode::value_too_large:
    case ErrorCode::bad_request:
      return Meaning::failure;
    default:
      return Meaning::elsewhere;
  }
}

// A code that does not prove "not applied" (one of a later version, say) leaves a write in doubt.
Meaning by_kind(AttemptKind kind) noexcept {
  return kind == AttemptKind::submit ? Meaning::in_doubt : Meaning::elsewhere;
}

}  // namespace

Meaning meaning_of(AttemptKind kind, const AttemptEnd& end) noexcept {
  if (!end.answered) return unanswered(kind, end);
  switch (end.code) {
    case ErrorCode::ok:
    case ErrorCode::not_all_replicas:  // applied by a majority, which is what was asked
      return Meaning::success;
    case ErrorCode::not_found:
      return kind == AttemptKind::read ? Meaning::failure : by_kind(kind);
    case ErrorCode::precondition_failed:
      return kind == AttemptKind::submit ? Meaning::failure : Meaning::elsewhere;
    case ErrorCode::bad_request:
    case ErrorCode::unknown_method:
    case ErrorCode::key_too_large:
    case ErrorCode::value_too_large:
    case ErrorCode::tenant_invalid:
    case ErrorCode::unauthorised:
      return Meaning::failure;
    case ErrorCode::window_stale:
      return kind == AttemptKind::submit ? Meaning::rewindow : Meaning::elsewhere;
    case ErrorCode::wrong_epoch:
    case ErrorCode::not_replica:
      return Meaning::refresh;
    case ErrorCode::overloaded:
      return Meaning::later;
    case ErrorCode::deadline_exceeded:
    case ErrorCode::no_quorum:
    case ErrorCode::shutting_down:
    case ErrorCode::going_away:
    case ErrorCode::breaker_open:
      return Meaning::elsewhere;
    case ErrorCode::reply_too_large:
      return kind == AttemptKind::read ? Meaning::larger_reply : by_kind(kind);
    default:
      return by_kind(kind);
  }
}

}  // namespace grey::client
