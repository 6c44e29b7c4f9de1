#include "tests/transport/raw_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <filesystem>

#include "base/check.h"

namespace grey::transport {
namespace {

sockaddr_in address_of(const Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  GREY_CHECK(inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr) == 1);
  return address;
}

RawSocket make(int buffer_bytes) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  GREY_CHECK(fd >= 0);
  const timeval limit{20, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (buffer_bytes > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
  }
  return RawSocket(fd);
}

}  // namespace

RawSocket::~RawSocket() {
  if (fd_ >= 0) ::close(fd_);
}

RawSocket RawSocket::connect(const Endpoint& to, int buffer_bytes) {
  RawSocket out = make(buffer_bytes);
  const sockaddr_in address = address_of(to);
  if (::connect(out.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  return out;
}

RawSocket RawSocket::listen(int backlog, int buffer_bytes) {
  RawSocket out = make(buffer_bytes);
  const sockaddr_in address = address_of({"127.0.0.1", 0});
  GREY_CHECK(::bind(out.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  GREY_CHECK(::listen(out.fd_, backlog) == 0);
  return out;
}

RawSocket RawSocket::accept() const {
  RawSocket out(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
  return out;
}

Endpoint RawSocket::local_endpoint() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  GREY_CHECK(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return {"127.0.0.1", ntohs(address.sin_port)};
}

bool RawSocket::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string RawSocket::read(std::size_t size) const {
  std::string out(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t n = ::recv(fd_, out.data() + have, size - have, 0);
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  out.resize(have);
  return out;
}

bool RawSocket::at_end() const {
  char byte = 0;
  const ssize_t n = ::recv(fd_, &byte, 1, 0);
  return n == 0 || (n < 0 && errno == ECONNRESET);
}

void RawSocket::shutdown_send() const { ::shutdown(fd_, SHUT_WR); }

void RawSocket::reset() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(std::exchange(fd_, -1));
}

std::size_t count_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

bool has_ipv6_loopback() {
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

}  // namespace grey::transport
