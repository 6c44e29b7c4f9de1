// A request from the answering side: what came, and the handle with which to answer it.
#pragma once
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/ids.h"
#include "protocol/session.h"

namespace grey::rpc {

class ConnectionCore;
class ConnectionGate;

/// A reference to a connection that may be gone. Loop's thread only.
class GateRef {
 public:
  GateRef() = default;
  explicit GateRef(ConnectionGate* gate) noexcept;
  GateRef(const GateRef& other) noexcept : GateRef(other.gate_) {}
  GateRef(GateRef&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
  GateRef& operator=(GateRef other) noexcept {
    std::swap(gate_, other.gate_);
    return *this;
  }
  ~GateRef();
  /// Null once the connection is gone.
  ConnectionCore* core() const noexcept;
  bool is_set() const noexcept { return gate_ != nullptr; }
  /// From now on the connection is gone, for all who refer to it.
  void close() noexcept;

 private:
  ConnectionGate* gate_ = nullptr;
};

/// A request as it came. Views are valid during on_request() only.
struct IncomingRequest {
  std::uint32_t method = 0;
  MonotonicTime deadline{};  // on this machine's clock
  std::uint32_t reply_bytes_max = 0;
  ByteView tenant{};
  protocol::TraceContext trace{};
  OperationId idempotency{};  // zero if not Idempotent
  bool priority = false;
  ByteView body{};        // one encoded MessagePack value
  SharedBytes chunked{};  // the message's bytes if it came in chunks: keep it to keep the views
  const protocol::PeerInfo* peer = nullptr;
};

/// A one-way message. Views are valid during on_oneway() only.
struct IncomingOneway {
  std::uint32_t method = 0;
  ByteView tenant{};
  protocol::TraceContext trace{};
  bool priority = false;
  ByteView body{};
  const protocol::PeerInfo* peer = nullptr;
};

/// The duty to answer one request: exactly once, now or later, on the loop's thread. If the
/// connection has gone meanwhile, answering does nothing. Destroyed unanswered, it answers
/// `cancelled`. However it ends, the request's credit goes back to the sender.
class Responder {
 public:
  Responder() = default;  // owes nothing
  Responder(GateRef gate, std::uint32_t slot, std::uint32_t generation) noexcept
      : gate_(std::move(gate)), slot_(slot), generation_(generation) {}
  Responder(Responder&& other) noexcept = default;
  Responder& operator=(Responder&& other) noexcept;
  ~Responder();

  /// Answers. An answer beyond the request's reply_bytes_max becomes reply_too_large, here (as the
  /// returned error) and at the peer.
  Status answer(const protocol::ResponseOptions& options, const protocol::Body& body = {});
  /// Answers ok with `body`.
  Status answer(const protocol::Body& body) { return answer(protocol::ResponseOptions{}, body); }
  /// Answers with an error.
  Status refuse(ErrorCode code, std::string_view detail = {}, std::uint32_t retry_after_ms = 0) {
    return answer({code, detail, retry_after_ms, false});
  }

  /// True if an answer would still go out: owed, and the connection is there.
  bool is_wanted() const noexcept;
  /// The peer has cancelled the request (the answer is owed nevertheless).
  bool is_cancelled() const noexcept;
  /// Asks for RequestHandler::on_cancel(cookie) when the peer cancels or the connection goes before
  /// the answer.
  void notify_cancel(std::uint64_t cookie) noexcept;

 private:
  GateRef gate_;
  std::uint32_t slot_ = 0;
  std::uint32_t generation_ = 0;
};

/// Whoever answers requests. Called on the loop's thread.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  /// A request whose deadline has not passed (those are answered deadline_exceeded before this).
  virtual void on_request(const IncomingRequest& request, Responder responder) = 0;
  virtual void on_oneway(const IncomingOneway& oneway) = 0;
  /// See Responder::notify_cancel(). At most once for each request.
  virtual void on_cancel(std::uint64_t cookie, ErrorCode code) = 0;
};

}  // namespace grey::rpc
