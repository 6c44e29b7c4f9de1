// What the simulated world does to its inhabitants: the knobs of the network and the counters that
// prove that each kind of fault has really happened.
#pragma once
#include <cstdint>
#include <string>

#include "base/clock.h"

namespace grey::transport::sim {

/// How packets travel. Probabilities are per packet, 0 switches a fault off. The defaults are a
/// quiet local network; NetworkOptions::hostile() has everything on.
struct NetworkOptions {
  Duration latency_min = std::chrono::microseconds(50);
  Duration latency_max = std::chrono::microseconds(150);
  /// Now and then a packet takes up to `latency_slow_max` more.
  double slow_chance = 0;
  Duration latency_slow_max = std::chrono::milliseconds(20);
  /// A packet was lost and is sent again this much later (a stream never loses bytes).
  double loss_chance = 0;
  Duration retransmit_delay = std::chrono::milliseconds(200);
  /// Per pair of hosts and direction; 0 means unlimited.
  std::uint64_t bandwidth_bytes_per_s = 0;
  /// Bytes that one direction of a connection may hold, on the wire and unread by the receiver.
  std::size_t window_bytes = 256 * 1024;
  std::size_t segment_bytes_max = 16 * 1024;
  /// A send is cut at a random place / a delivery hands over only a random part of what is there.
  double split_send_chance = 0;
  double split_receive_chance = 0;
  /// The kernel takes only a part of a send and the rest up to `short_send_delay_max` later.
  double short_send_chance = 0;
  Duration short_send_delay_max = std::chrono::milliseconds(1);
  /// One bit of the packet is turned over (checksums of real networks miss some of these).
  double bit_flip_chance = 0;
  /// The connection is reset on both sides.
  double reset_chance = 0;
  /// A connection whose packets have been held this long by a partition, or by a host that is down,
  /// dies on the sending side; 0: never.
  Duration unreachable_timeout{0};

  static NetworkOptions hostile();
};

/// How often each fault has happened in a world.
struct FaultCounters {
  std::uint64_t slow_packets = 0;
  std::uint64_t losses = 0;
  std::uint64_t split_sends = 0;
  std::uint64_t split_receives = 0;
  std::uint64_t short_sends = 0;
  std::uint64_t windows_full = 0;
  std::uint64_t bit_flips = 0;
  std::uint64_t resets = 0;
  std::uint64_t refused = 0;
  std::uint64_t connect_timeouts = 0;
  std::uint64_t unreachable_timeouts = 0;
  std::uint64_t partitions = 0;
  std::uint64_t clogs = 0;
  std::uint64_t packets_held = 0;
  std::uint64_t crashes = 0;
  std::uint64_t tasks_lost_in_crashes = 0;
  std::uint64_t restarts = 0;
  std::uint64_t pauses = 0;
  std::uint64_t callbacks_delayed_by_pauses = 0;
  std::uint64_t clock_jumps = 0;

  /// "slow_packets=3 losses=0 …", all of them.
  std::string to_string() const;
};

}  // namespace grey::transport::sim
