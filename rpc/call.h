// A call from the caller's side: what it asks and what becomes of it.
//
// Every call is completed exactly once, never from inside the function that made it, on the loop's
// thread. A completion says two things apart: the code, and whether the request may have reached
// the peer. With `sent` false it certainly has not; with `sent` true and `answered` false the peer
// may or may not have acted, and the caller has to find out or say so.
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/ids.h"
#include "protocol/session.h"

namespace grey::rpc {

/// Names an outstanding call of one connection or channel; 0 names none. Ids of calls that are over
/// are recognised as such.
using CallId = std::uint64_t;

struct CallOptions {
  std::uint32_t method = 0;
  /// When the caller gives up; travels to the peer as the time that remains. Brought forward to
  /// ConnectionOptions::call_timeout_max from now if it is later than that.
  MonotonicTime deadline = never;
  /// The largest answer (its whole envelope) that the caller is willing to take; the room for it is
  /// reserved now, so that answers never wait.
  std::uint32_t reply_bytes_max = 64u << 10;
  ByteView tenant{};
  protocol::TraceContext trace{};  // none if its trace id is zero
  OperationId idempotency{};       // none if zero
  bool priority = false;           // ahead of what is queued on the same connection
  /// Channels only: go ahead although the breaker is open, because a majority needs this replica.
  bool bypass_breaker = false;
};

/// How a call ended. Views are valid during the completion only.
struct Reply {
  /// ok; the peer's error; or what happened here: deadline_exceeded, cancelled, overloaded,
  /// going_away, breaker_open, connection_refused, connection_reset, ...
  ErrorCode code = ErrorCode::ok;
  bool sent = false;      // some of the request may have left this process
  bool answered = false;  // the code and the body are the peer's
  std::uint32_t retry_after_ms = 0;
  std::string_view detail{};  // for people; may be empty
  ByteView body{};            // one encoded MessagePack value
  /// The message's bytes if it came in chunks, else empty: keep a copy of this to keep `body`.
  const SharedBytes* chunked = nullptr;

  bool ok() const noexcept { return code == ErrorCode::ok; }
  Error error() const { return {code, std::string(detail)}; }
};

/// Takes completions of many calls without an allocation for each.
class CallSink {
 public:
  virtual ~CallSink() = default;
  /// `cookie` is what the call was given.
  virtual void on_reply(std::uint64_t cookie, const Reply& reply) = 0;
};

/// The convenient form, for calls that are few.
using CallFunction = std::move_only_function<void(const Reply&)>;

/// A sink for one call that runs `done` and deletes itself.
CallSink& sink_of(CallFunction done);

}  // namespace grey::rpc
