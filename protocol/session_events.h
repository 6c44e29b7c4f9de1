// What a session tells its owner. Calls come only from inside Session::receive(), receive_end() and
// tick() (and unadmit() also from release() and abort()). The owner may call any sending method of
// the session from them, and abort(), but not receive(), receive_end() or tick(), and must not
// destroy the session. Views are valid during the call only. Destroying a session calls nothing: to
// have unfinished messages unadmitted, abort() it first.
#pragma once
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "protocol/messages.h"

namespace grey::protocol {

/// The peer, once the handshake is over (and, when encrypted, has been confirmed).
struct PeerInfo {
  Hello hello;             // what it said of itself
  Lane lane = Lane::data;  // of this connection
  bool encrypted = false;
};

/// The right to hold a received message. Give it back with Session::release() when the message is
/// done with, on every path: that returns the sender's credit. Not copied around: one message, one
/// release.
struct CreditToken {
  std::uint64_t credit_bytes = 0;    // of a message that came in one frame
  std::uint64_t admitted_bytes = 0;  // of a message that came in chunks: what admit() granted
};

/// Where a response goes; keep it from the request to the response.
struct ReplyTo {
  std::uint64_t request_id = 0;
  std::uint32_t reply_bytes_max = 0;
};

class SessionEvents {
 public:
  virtual ~SessionEvents() = default;

  /// The handshake succeeded. To refuse the peer, call abort(wrong_identity…) from here.
  virtual void established(const PeerInfo& peer) = 0;

  /// A request. Exactly one send_response() is owed for it, also after cancel(), and one release().
  /// `chunked` holds the message's bytes when it came in chunks (else it is empty): the owner may
  /// keep it to keep the views alive.
  virtual void request(const RequestView& request, ReplyTo reply_to, CreditToken token,
                       const SharedBytes& chunked) = 0;
  /// A one-way message; one release() is owed for it.
  virtual void oneway(const OnewayView& oneway, CreditToken token, const SharedBytes& chunked) = 0;
  /// The answer to a request. `context` is what send_request() was given. Each request that was
  /// sent gets exactly one, unless the session fails first; also one that was cancelled.
  virtual void response(const ResponseView& response, std::uint64_t context,
                        const SharedBytes& chunked) = 0;
  /// The peer no longer wants the answer to this request (which may have been answered already).
  virtual void cancel(std::uint64_t request_id, ErrorCode code) = 0;
  /// The answer to ping(nonce).
  virtual void pong(std::uint64_t nonce) = 0;
  /// The peer accepts no new requests; send_request() refuses from now on. Those outstanding will
  /// still be answered.
  virtual void goaway(const GoAway& goaway) = 0;
  /// Credit came back and the queue has room again: a send that returned overloaded may be
  /// repeated.
  virtual void send_possible() = 0;

  /// May a chunked request or one-way message of `bytes` be taken in? Asked before any memory is;
  /// if not, it is answered overloaded. What was granted comes back through unadmit(), once,
  /// whatever happens to the message.
  virtual bool admit(std::uint64_t bytes) = 0;
  virtual void unadmit(std::uint64_t bytes) = 0;

  /// The session is over: at most once, last. peer_closed after an orderly end of the stream. What
  /// is in has_output() then (at most a final ERROR frame) may still be sent before closing.
  virtual void failed(const Error& error) = 0;
};

}  // namespace grey::protocol
