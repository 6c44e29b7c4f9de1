// One connection at work: pumps a protocol session over a stream, matches answers with calls, hands
// requests to a handler, and keeps every deadline.
//
// Promises:
// - Calls are completed exactly once, whatever happens to the connection (see call.h).
// - One send is in flight; what is said meanwhile, or within one turn of the loop, leaves together
//   in the next gathered send.
// - Memory is bounded. Requests of the peer keep their credit while the output is above
//   output_bytes_high, and are answered overloaded while it is above output_bytes_max or the
//   node's egress budget is used up. Receiving is never paused: two peers that both waited for the
//   other to read first would wait for ever.
// - A peer that does not read (write_stall_timeout), does not answer PING (liveness_timeout) or
//   breaks the protocol is closed, with the reason in on_closed().
// - The destructor never blocks. The connection may be destroyed from any of its callbacks.
//
// Loop's thread only.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "breaker/circuit_breaker.h"
#include "flowcontrol/memory_budget.h"
#include "protocol/session.h"
#include "rpc/call.h"
#include "rpc/request_handler.h"
#include "transport/stream.h"

namespace grey::rpc {

struct ConnectionOptions {
  Duration call_timeout_max = std::chrono::minutes(5);      // no call is outstanding for longer
  Duration request_timeout_max = std::chrono::minutes(5);   // nor is a peer's request
  Duration write_stall_timeout = std::chrono::seconds(10);  // a send that does not finish
  Duration linger_timeout = std::chrono::seconds(1);        // for the last bytes before closing
  Duration ping_interval{};                                 // 0: none are sent
  Duration liveness_timeout = std::chrono::seconds(2);      // nothing received at all after a PING
  std::uint64_t output_bytes_high = 4u << 20;               // unread by the peer: its credit waits
  std::uint64_t output_bytes_max = 64u << 20;               // its requests are answered overloaded
  std::uint32_t overloaded_retry_after_ms = 50;
  /// Where the receive window and chunked messages (ingress) and answers (egress) are reserved;
  /// null: nowhere. Outlives the connection.
  flowcontrol::MemoryBudget* budget = nullptr;
  /// What is reserved for an answer before its request is taken up, if the request does not limit
  /// its answer to less. A larger answer reserves the rest when it is given.
  std::uint32_t answer_reserve_bytes = 64u << 10;
  /// CallIds are unique among connections that continue one another's numbering.
  std::uint64_t first_call_number = 1;
};

/// What a connection tells its owner.
class ConnectionEvents {
 public:
  virtual ~ConnectionEvents() = default;
  /// The handshake succeeded. Call Connection::close() from here to refuse the peer.
  virtual void on_established(const protocol::PeerInfo& peer) = 0;
  /// A PONG came.
  virtual void on_pong(Duration round_trip) = 0;
  /// The peer accepts no more calls.
  virtual void on_goaway(ErrorCode code, std::string_view detail) = 0;
  /// A call is over; `permit` is what call() was given. Called just before the completion.
  virtual void on_call_done(const breaker::Permit& permit, const Reply& reply) = 0;
  /// No more calls can be made; those outstanding are completed next. At most once.
  virtual void on_closing(const Error& reason) = 0;
  /// The last bytes have gone or were given up, and every call has been completed. Exactly once,
  /// last, unless the connection is destroyed before.
  virtual void on_closed(const Error& reason) = 0;
};

class Connection {
 public:
  /// Does nothing until start(). `events` and `handler` outlive the connection; without a handler
  /// every request is answered unknown_method.
  Connection(transport::Executor& executor, protocol::SessionConfig session,
             ConnectionOptions options, ConnectionEvents& events, RequestHandler* handler);
  /// Completes what is outstanding with closed_locally, from inside.
  ~Connection();
  Connection(Connection&&) = delete;

  /// Begins the handshake on `stream`. Calls may be made before: they wait.
  void start(std::unique_ptr<transport::Stream> stream);
  /// There will be no stream: completes all calls with `reason` and ends with on_closed(reason).
  void fail_before_start(const Error& reason);

  /// Makes a call; its completion goes to `sink` with `cookie`, `permit` to on_call_done().
  CallId call(const CallOptions& options, const protocol::Body& body, CallSink& sink,
              std::uint64_t cookie, const breaker::Permit& permit = {});
  CallId call(const CallOptions& options, const protocol::Body& body, CallFunction done);
  /// Completes a call that is not made with `why`.
  CallId refuse_call(const Error& why, CallSink& sink, std::uint64_t cookie);
  /// Gives a call up: it is completed with `cancelled` (not from inside), and the peer is told.
  /// False if it is over already.
  bool cancel(CallId id);
  /// Sends a message that has no answer.
  Status send_oneway(const protocol::OnewayOptions& options, const protocol::Body& body);

  /// Ends in good order: announces it, lets both sides' outstanding requests finish, closes;
  /// closes at `deadline` at the latest.
  void drain(MonotonicTime deadline, ErrorCode code = ErrorCode::shutting_down);
  /// Ends now: completes all calls with `reason` (not from inside), tells the peer, closes.
  void close(const Error& reason);

  /// Established and not closing: calls would be sent.
  bool is_open() const noexcept;
  /// Calls made and not completed yet.
  std::size_t calls_outstanding() const noexcept;
  /// Requests of the peer not answered yet.
  std::size_t requests_unanswered() const noexcept;
  /// Valid once established.
  const protocol::PeerInfo& peer() const noexcept;
  std::string peer_address() const;
  protocol::SessionStats stats() const;
  /// See ConnectionOptions::first_call_number.
  std::uint64_t next_call_number() const noexcept;

 private:
  ConnectionCore* core_;
};

}  // namespace grey::rpc
