#include "transport/uring/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace grey::transport::uring {

Result<SocketAddress> to_socket_address(const Endpoint& endpoint) {
  SocketAddress address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    address.size = sizeof *v4;
  } else if (::inet_pton(AF_INET6, endpoint.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    address.size = sizeof *v6;
  } else {
    return fail(ErrorCode::address_invalid,
                "'" + endpoint.host + "' is not a numeric IPv4 or IPv6 address");
  }
  return address;
}

Endpoint to_endpoint(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return {text, ntohs(v4->sin_port)};
  }
  if (address.storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    return {text, ntohs(v6->sin6_port)};
  }
  return {};
}

Endpoint local_endpoint_of(int descriptor) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(descriptor, address.raw(), &address.size) != 0) return {};
  return to_endpoint(address);
}

Endpoint peer_endpoint_of(int descriptor) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getpeername(descriptor, address.raw(), &address.size) != 0) return {};
  return to_endpoint(address);
}

Result<int> open_socket(int family) {
  const int descriptor = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (descriptor < 0) return std::unexpected(socket_error(errno, "socket"));
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

Result<int> open_listening_socket(const Endpoint& endpoint) {
  const auto address = to_socket_address(endpoint);
  if (!address) return std::unexpected(address.error());
  const auto descriptor = open_socket(address->storage.ss_family);
  if (!descriptor) return descriptor;
  const int on = 1;
  ::setsockopt(*descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(*descriptor, address->raw(), address->size) != 0 ||
      ::listen(*descriptor, SOMAXCONN) != 0) {
    Error error = socket_error(errno, "cannot listen on " + endpoint.to_string());
    ::close(*descriptor);
    return std::unexpected(std::move(error));
  }
  return descriptor;
}

Error socket_error(int error_number, const std::string& what) {
  const auto code = [error_number] {
    switch (error_number) {
      case ECONNREFUSED:
        return ErrorCode::connection_refused;
      case ECONNRESET:
      case EPIPE:
        return ErrorCode::connection_reset;
      case ENETUNREACH:
      case EHOSTUNREACH:
      case ENETDOWN:
      case EHOSTDOWN:
        return ErrorCode::network_unreachable;
      case EADDRINUSE:
        return ErrorCode::address_in_use;
      case EADDRNOTAVAIL:
      case EAFNOSUPPORT:
      case EACCES:
      case EINVAL:
        return ErrorCode::address_invalid;
      default:
        return ErrorCode::transport_io;
    }
  }();
  return Error{code, what + ": " + std::strerror(error_number)};
}

}  // namespace grey::transport::uring
