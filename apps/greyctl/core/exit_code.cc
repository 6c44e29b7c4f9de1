#include "apps/greyctl/core/exit_code.h"

namespace grey::ctl {

ExitCode exit_code_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::ok:
      return ExitCode::ok;
    case ErrorCode::outcome_unknown:
      return ExitCode::outcome_unknown;
    case ErrorCode::not_found:
      return ExitCode::not_found;
    case ErrorCode::precondition_failed:
      return ExitCode::precondition_failed;
    case ErrorCode::no_quorum:
      return ExitCode::no_quorum;
    case ErrorCode::deadline_exceeded:
    case ErrorCode::overloaded:
    case ErrorCode::cancelled:
    case ErrorCode::window_stale:
    case ErrorCode::wrong_epoch:
    case ErrorCode::not_replica:
    case ErrorCode::shutting_down:
      return ExitCode::deadline;
    case ErrorCode::unauthorised:
    case ErrorCode::encryption_required:
    case ErrorCode::decryption_failed:
    case ErrorCode::wrong_cluster:
    case ErrorCode::wrong_identity:
      return ExitCode::auth;
    case ErrorCode::bad_request:
    case ErrorCode::unknown_method:
    case ErrorCode::key_too_large:
    case ErrorCode::value_too_large:
    case ErrorCode::tenant_invalid:
    case ErrorCode::reply_too_large:
    case ErrorCode::not_empty:
      return ExitCode::usage;
    case ErrorCode::not_all_replicas:
      return ExitCode::degraded;
    default:
      break;
  }
  const auto number = static_cast<int>(code);
  if (number >= 400) return ExitCode::usage;
  if (number >= 300) return ExitCode::degraded;
  // Breakers, the protocol's and the transport's errors: no usable answer from anybody.
  return ExitCode::unreachable;
}

std::string exit_code_help() {
  return R"(Exit status:
  0 ok                       5 precondition failed (cas)
  1 wrong use                6 no majority of the replicas; not applied
  2 no node reachable        7 deadline or overload; not applied
  3 authentication           8 outcome unknown: greyctl resolve tells
  4 key not found            9 degraded, or part of the work failed
)";
}

}  // namespace grey::ctl
