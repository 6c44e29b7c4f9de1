// The two ends of a simulated connection, as their kernels see them. Plain state: network.cc moves
// it.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "transport/sim/event.h"
#include "transport/stream.h"
#include "transport/timed_heap.h"

namespace grey::transport::sim {

class SimTransport;

struct End {
  HostId host = 0;
  std::uint16_t port = 0;
  SimTransport* loop = nullptr;

  // Who cares: the process has a Stream object, a handler that has been started, an attempt.
  bool owned = false;
  StreamHandler* handler = nullptr;
  ConnectCallback done;                // while connecting
  std::optional<Error> connect_error;  // the attempt's outcome, before `done` has been told…
  bool connected = false;              // …or this
  TimedHeap<Event>::Id deadline = 0;

  // The socket.
  bool open = false;  // else packets are answered with a reset
  std::optional<Error> over;
  bool wake_pending = false;

  // Sending.
  SendBatch batch;
  std::size_t piece = 0;  // the first byte of the batch that has not been taken
  std::size_t offset = 0;
  std::size_t untaken = 0;
  bool sending = false;
  bool taken = false;  // and on_sent() is due
  bool fin_wanted = false;
  bool fin_sent = false;
  bool pump_pending = false;
  std::size_t in_window = 0;
  MonotonicTime last_arrival{};  // packets of one direction do not overtake one another

  // Receiving.
  bool paused = false;
  std::string unread;
  std::size_t unread_from = 0;
  std::size_t unread_bytes = 0;
  bool fin_received = false;
  bool end_told = false;

  // Packets of this end that a partition or a dead host holds.
  std::uint32_t held = 0;
  TimedHeap<Event>::Id watchdog = 0;

  bool connecting() const noexcept { return static_cast<bool>(done); }
  bool in_use() const noexcept { return owned || open || connecting(); }
};

struct Connection {
  ConnectionId id = 0;
  bool used = false;
  /// The listener that took it, until it has been accepted.
  std::uint64_t listener = 0;
  std::array<End, 2> ends;
};

}  // namespace grey::transport::sim
