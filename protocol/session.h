// One connection's protocol as a pure state machine: bytes and time in; events and bytes out. It
// knows no socket, clock or thread; the driver pumps it:
//
//   start()                       once; an initiator's HELLO becomes output
//   receive(bytes), receive_end() whatever the stream delivered, in pieces of any size
//   tick()                        at next_deadline() or later
//   take_output(batch)            whenever has_output() and the previous batch has been written
//
// Promises: a message is delivered only if its whole frame passed every check, in the order sent;
// anything else ends the session with one named error. Memory is taken for bytes that have arrived,
// never for sizes that were claimed. Message ids and nonces are given when a frame is serialised:
// the Priority flag lets a message pass those still queued, and nothing passes anything later. When
// credit permits, sending serialises at once into the output: no queue, no copy of a large value,
// no allocation in the steady state.
//
// Not thread-safe.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/send_batch.h"
#include "protocol/messages.h"
#include "protocol/session_config.h"
#include "protocol/session_events.h"

namespace grey::protocol {

/// A message body: exactly one MessagePack value, encoded. To send a large binary without a copy,
/// put it last: `head` then ends with its header (msgpack::Writer::bin_header) and `value` holds
/// its bytes. An empty head means nil.
struct Body {
  ByteView head{};
  SharedBytes value{};
  std::size_t size() const noexcept { return (head.empty() ? 1 : head.size()) + value.size(); }
};

struct RequestOptions {
  std::uint32_t method = 0;
  MonotonicTime deadline = never;             // travels as the milliseconds that remain
  std::uint32_t reply_bytes_max = 64u << 10;  // largest RESPONSE envelope, reserved here
  ByteView tenant{};
  TraceContext trace{};       // none if its trace id is zero
  OperationId idempotency{};  // none if zero; sets the Idempotent flag
  bool priority = false;
  std::uint64_t context = 0;  // comes back with the response
};

struct OnewayOptions {
  std::uint32_t method = 0;
  ByteView tenant{};
  TraceContext trace{};
  bool priority = false;
};

struct ResponseOptions {
  ErrorCode code = ErrorCode::ok;
  std::string_view detail{};  // cut at limit::detail_bytes
  std::uint32_t retry_after_ms = 0;
  bool priority = false;
};

enum class CancelResult : std::uint8_t {
  not_outstanding,  // answered already, or never sent
  unsent,           // removed before any byte was serialised: the peer never sees it, no response
  sent              // CANCEL is on its way; a response still comes
};

/// Figures for metrics and tests.
struct SessionStats {
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t requests_outstanding = 0;  // ours, not answered yet
  std::uint64_t requests_unanswered = 0;   // the peer's, not answered yet
  std::uint64_t reply_bytes_reserved = 0;
  std::uint64_t queued_messages = 0;
  std::uint64_t queued_bytes = 0;
  std::uint64_t credit_bytes_available = 0;  // that we may still send
  std::uint64_t credit_messages_available = 0;
  std::uint64_t credit_bytes_held = 0;  // received and not released yet
  std::uint64_t credit_messages_held = 0;
  std::uint64_t admitted_bytes = 0;     // chunked messages, not released yet
  std::uint64_t frames_compressed = 0;  // sent
  std::uint64_t oneways_refused = 0;    // chunked ones that the peer had no memory for
};

class Session {
 public:
  /// `events` outlives the session. GREY_CHECKs a configuration that cannot work (an empty cluster
  /// id, encryption without a secret of 16 bytes).
  Session(SessionConfig config, SessionEvents& events);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start(Instant at);
  void receive(ByteView bytes, Instant at);
  void receive_end(Instant at);
  /// Fails the session with handshake_timeout, frame_timeout or idle_timeout if one is due.
  void tick(Instant at);
  /// When tick() is wanted next; `never` if not at all.
  MonotonicTime next_deadline() const noexcept;

  bool has_output() const noexcept;
  /// Moves the bytes to be sent next into `batch`, which must be empty (its memory is reused).
  /// Queued messages and chunks of large ones are serialised now, at most about 256 KiB of them, so
  /// that what is sent meanwhile can be mixed in.
  void take_output(SendBatch& batch, Instant at);

  /// Sends a request, now or when credit comes. Returns its id (for send_cancel). Fails with
  /// overloaded (queue, slots or reply budget are full: nothing was sent), going_away,
  /// value_too_large (more than the peer accepts), or the session's error once it has failed.
  Result<std::uint64_t> send_request(const RequestOptions& options, const Body& body, Instant at);
  Status send_oneway(const OnewayOptions& options, const Body& body, Instant at);
  /// Answers a request; never waits for credit. If the answer exceeds what the request allowed, the
  /// peer gets reply_too_large instead and so does the caller.
  Status send_response(ReplyTo to, const ResponseOptions& options, const Body& body, Instant at);
  CancelResult send_cancel(std::uint64_t request_id, ErrorCode code, Instant at);
  /// Fails with overloaded while 16 are unanswered.
  Status ping(std::uint64_t nonce, Instant at);
  /// Announces that no new requests are accepted; later ones are answered going_away without being
  /// delivered. The session goes on until both sides are drained().
  void goaway(ErrorCode code, std::string_view detail, Instant at);
  /// The owner has finished with a received message. Harmless after the session has failed.
  void release(CreditToken token, Instant at);
  /// Ends the session by this side's decision: queues a final ERROR frame, delivers nothing more
  /// (failed() is not called either).
  void abort(const Error& error, Instant at);

  bool is_established() const noexcept;
  bool is_over() const noexcept;
  /// True if nothing is owed in either direction: no request outstanding or unanswered, nothing
  /// queued, no chunks under way, no output.
  bool drained() const noexcept;
  /// False only if no byte of this request of ours has been serialised and none will be: then the
  /// peer has certainly not seen it. Also tells after the session is over, for those that were
  /// outstanding then; true for all that are not.
  bool may_have_been_sent(std::uint64_t request_id) const noexcept;
  /// What a peer that does not read makes grow: bytes serialised and not taken yet, and large
  /// answers under way.
  std::uint64_t unread_output_bytes() const noexcept;
  /// Valid once established.
  const PeerInfo& peer() const noexcept;
  SessionStats stats() const noexcept;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace grey::protocol
