// The names of things: nodes, clients, operations.
#pragma once
#include <compare>
#include <cstdint>

namespace grey {

/// A node's number in the topology; 0 names none.
using NodeId = std::uint32_t;

/// A client's identity, 128 random bits chosen when the client starts. Nodes act as clients too.
struct ClientId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const ClientId&, const ClientId&) = default;
};

/// Names one submitted operation for ever: a client never uses a sequence number twice. All zero
/// names none. It doubles as the version of the value that the operation wrote: copies that
/// resolution makes keep it.
struct OperationId {
  ClientId client;
  std::uint64_t sequence = 0;
  explicit operator bool() const noexcept { return *this != OperationId{}; }
  friend auto operator<=>(const OperationId&, const OperationId&) = default;
};

}  // namespace grey
