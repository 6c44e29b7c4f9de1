// What waits in the world's queue. Two sorts: work of a process (it waits while its host is paused
// and vanishes when it crashes) and work of the network and the kernels (which goes on).
#pragma once
#include <cstdint>

#include "base/task.h"

namespace grey::transport::sim {

/// The N of "10.0.0.N"; 0 is the world itself (its tasks are never paused nor lost).
using HostId = std::uint32_t;
/// A connection's slot and generation: never reused.
using ConnectionId = std::uint64_t;

enum class EventKind : std::uint8_t {
  // Of a process.
  task,
  wake,              // an end of a connection may have something to tell its handler
  accept,            // a connection waits in a listener's backlog
  connect_deadline,  // a connection attempt has run out of time
  // Packets.
  syn,
  syn_ack,
  data,
  ack,  // frees room in the sender's window
  fin,
  rst,
  // Of the kernels and the network.
  pump,       // a short send goes on
  watchdog,   // packets have been held for too long
  link_open,  // a partition or clog may be over
};

constexpr bool is_process_event(EventKind kind) { return kind <= EventKind::connect_deadline; }

struct Event {
  EventKind kind = EventKind::task;
  /// The end of the connection that it is for: 0 connected, 1 accepted.
  std::uint8_t side = 0;
  HostId host = 0;
  HostId from = 0;           // packets, link_open
  std::uint32_t size = 0;    // data, ack: bytes; task: which loop of the host
  std::uint32_t buffer = 0;  // data: where the bytes are
  ConnectionId connection = 0;
  Task task;
};

}  // namespace grey::transport::sim
