// One destination kept within reach: connects, shakes hands, probes with PING, and after a loss
// connects again with back-off and jitter for as long as it lives. Calls made while there is no
// connection fail at once with the reason and sent = false; if wait_while_connecting is set, those
// made during a connection attempt wait for its outcome, within the bounds of the session's queue.
//
// Loop's thread only. May be destroyed from any of its callbacks.
#pragma once
#include <cstdint>
#include <memory>

#include "breaker/backoff.h"
#include "breaker/circuit_breaker.h"
#include "rpc/connection.h"
#include "rpc/server.h"
#include "transport/stream.h"

namespace grey::rpc {

struct ChannelOptions {
  transport::Endpoint endpoint;
  protocol::SessionConfig session;  // template: role and random are filled in
  ConnectionOptions connection;     // set its ping_interval
  Duration connect_timeout = std::chrono::seconds(2);
  breaker::BackoffOptions backoff{.base = std::chrono::milliseconds(100),
                                  .cap = std::chrono::seconds(5),
                                  .tries_max = breaker::tries_unlimited,
                                  .floor = std::chrono::milliseconds(10)};
  bool wait_while_connecting = true;
  RandomBytes random;
  std::uint64_t seed = 0;  // of the jitter
};

struct ChannelState {
  enum class Phase : std::uint8_t {
    idle,        // not started, or stopped
    connecting,  // an attempt or a handshake is under way
    connected,
    backing_off  // waits before the next attempt
  };
  Phase phase = Phase::idle;
  MonotonicTime since{};           // of the phase
  MonotonicTime last_connected{};  // when it was last seen connected; 0 if never
  Error last_error;                // why the last connection or attempt ended; ok if none did
  Duration round_trip{};           // of the last PING; 0 if none
  std::uint64_t connections = 0;   // handshakes completed so far
};

/// Told about every change of phase, not from inside a method of the channel.
class ChannelObserver {
 public:
  virtual ~ChannelObserver() = default;
  virtual void on_channel_state(const ChannelState& state) = 0;
};

class Channel {
 public:
  /// `transport`, `breaker` (null: none; may be shared by the lanes of a peer), `handler` (for
  /// requests that the peer makes on this connection; may be null) and `observer` (may be null)
  /// outlive the channel.
  Channel(transport::Transport& transport, ChannelOptions options,
          breaker::CircuitBreaker* breaker = nullptr, RequestHandler* handler = nullptr,
          ChannelObserver* observer = nullptr);
  /// Completes what is outstanding with closed_locally, from inside. Never blocks.
  ~Channel();
  Channel(Channel&&) = delete;

  /// Begins to connect.
  void start();
  /// Ends the connection in good order (see Connection::drain) and does not connect again.
  void drain(MonotonicTime deadline);
  /// Skips the rest of a back-off: something suggests that the destination is there.
  void connect_now();

  CallId call(const CallOptions& options, const protocol::Body& body, CallSink& sink,
              std::uint64_t cookie);
  CallId call(const CallOptions& options, const protocol::Body& body, CallFunction done);
  bool cancel(CallId id);
  Status send_oneway(const protocol::OnewayOptions& options, const protocol::Body& body);

  const ChannelState& state() const noexcept;
  bool is_connected() const noexcept { return state().phase == ChannelState::Phase::connected; }
  std::size_t calls_outstanding() const noexcept;
  /// Valid while connected.
  const protocol::PeerInfo& peer() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace grey::rpc
