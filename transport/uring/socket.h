// System calls on sockets that the ring has no use for: making, binding, options, addresses.
#pragma once
#include <sys/socket.h>

#include <string>

#include "base/error.h"
#include "transport/stream.h"

namespace grey::transport::uring {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// From numeric hosts only. Fails with address_invalid.
Result<SocketAddress> to_socket_address(const Endpoint& endpoint);
Endpoint to_endpoint(const SocketAddress& address);
Endpoint local_endpoint_of(int descriptor);
Endpoint peer_endpoint_of(int descriptor);

/// A blocking, close-on-exec TCP socket without Nagle's delay. (The ring waits for a blocking
/// socket; on a non-blocking one its operations would end with EAGAIN.)
Result<int> open_socket(int family);
/// A listening socket; those accepted from it inherit TCP_NODELAY.
Result<int> open_listening_socket(const Endpoint& endpoint);

/// The error a caller can react to for what a socket call said about `what`.
Error socket_error(int error_number, const std::string& what);

}  // namespace grey::transport::uring
