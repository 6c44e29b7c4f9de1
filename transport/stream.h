// The transport seam: reliable byte streams, listeners and the loop that drives them. Three
// siblings implement it (sim/, asio/, uring/) and pass one conformance suite; nothing above knows
// which one runs.
//
// All callbacks come from the loop's thread, never from inside the call that caused them. From any
// callback, any object of the seam may be used and destroyed, also the one that is calling.
// Streams, listeners and attempts are destroyed on the loop's thread (or while nothing runs the
// loop), and before their transport is; tasks that own them may be left to the transport's
// destructor.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/send_batch.h"
#include "transport/executor.h"

namespace grey::transport {

/// What a stream tells its owner.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  /// Bytes arrived. `bytes` is valid only during the call. The handler may call any method of the
  /// stream, and may destroy it, from here.
  virtual void on_receive(std::string_view bytes) = 0;
  /// The peer will send no more (half-close), and all it sent has been received. Sending still
  /// works. At most once.
  virtual void on_receive_end() = 0;
  /// The outstanding send has been taken by the kernel whole (an empty batch is, too). `batch`
  /// comes back cleared, so that its memory serves the next send.
  virtual void on_sent(SendBatch batch) = 0;
  /// The stream is over: exactly once, last, also after close(). `reason`: closed_locally after
  /// close(); peer_closed when both directions have ended in good order (on_receive_end() has come
  /// and shutdown_send() has been carried out); connection_reset (also when a send finds the peer
  /// gone); transport_io for the rest. An outstanding send is dropped without on_sent().
  virtual void on_closed(const Error& reason) = 0;
};

/// One connection. Destroying it detaches the handler (no callback comes any more) and closes the
/// connection in the background; batches in flight stay alive until the kernel is done with them.
/// After close() or on_closed() every method is allowed and does nothing.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Starts receiving; to be called once, before anything else. Nothing is received before it.
  virtual void start(StreamHandler& handler) = 0;
  /// Sends the whole batch. At most one send may be outstanding: the next after on_sent().
  virtual void send(SendBatch batch) = 0;
  /// Stops and resumes delivery of received bytes; idempotent. While paused, at most one receive
  /// buffer's worth that was already on its way is held back, and the kernel's window stops the
  /// peer. The end of the bytes waits for its turn behind them; a reset may be noticed only after
  /// resuming.
  virtual void pause_receive() = 0;
  virtual void resume_receive() = 0;
  /// Sends FIN once the outstanding send has been written; receiving goes on. No send() after it.
  virtual void shutdown_send() = 0;
  /// Ends the stream now; an unfinished send may be cut, a finished one still goes out, unless
  /// bytes of the peer's are left unread: then kernels reset the connection and what is on its way
  /// may be lost. on_closed(closed_locally) follows, and nothing else.
  virtual void close() = 0;
  /// "127.0.0.1:4242"; for logs.
  virtual std::string peer_address() const = 0;
};

/// An address: a numeric IPv4 or IPv6 host ("127.0.0.1", "::1") and a port. Port 0 when listening
/// lets the system choose. The simulator uses hosts of the form "10.0.0.N".
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  /// "host:port", IPv6 in brackets.
  std::string to_string() const;
  /// Parses what to_string() writes. Fails with address_invalid.
  static Result<Endpoint> parse(std::string_view text);
  /// The host is an IPv4 or IPv6 address: real transports take no other.
  bool is_numeric() const;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// A listening socket; closes when destroyed (connections it accepted live on; its callback comes
/// no more).
class Listener {
 public:
  virtual ~Listener() = default;
  virtual Endpoint local_endpoint() const = 0;
};

using AcceptCallback = std::function<void(std::unique_ptr<Stream>)>;
using ConnectCallback = std::move_only_function<void(Result<std::unique_ptr<Stream>>)>;

/// A connection attempt under way. Destroying it cancels the attempt: no callback comes any more.
/// It may be destroyed inside its callback and kept after it.
class ConnectAttempt {
 public:
  virtual ~ConnectAttempt() = default;
};

/// A loop with sockets.
class Transport : public Executor {
 public:
  /// Listens and calls `on_accept` for each connection. Fails with address_in_use,
  /// address_invalid, transport_io. Sets SO_REUSEADDR, TCP_NODELAY on accepted sockets.
  virtual Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                                   AcceptCallback on_accept) = 0;
  /// Connects; `done` is called exactly once unless the attempt is destroyed first: with a stream,
  /// or connection_refused, connect_timeout (nothing by `deadline`), network_unreachable,
  /// address_invalid, transport_io.
  virtual std::unique_ptr<ConnectAttempt> connect(const Endpoint& endpoint, MonotonicTime deadline,
                                                  ConnectCallback done) = 0;
  /// "io_uring", "asio" or "sim".
  virtual std::string_view name() const = 0;
};

/// A loop that owns its thread's time: run() until stop(). (The simulator is stepped instead.)
/// Until run() begins, everything may be used from the thread that made it.
class RunnableTransport : public Transport {
 public:
  /// Runs callbacks on the calling thread until stop(); once. Returns when everything in flight has
  /// been reaped; no callback comes after that, and what was still posted or scheduled is destroyed
  /// unrun, at the latest by the destructor.
  virtual void run() = 0;
  /// Makes run() return soon, also a run() that has not begun; from any thread.
  virtual void stop() = 0;
};

}  // namespace grey::transport
