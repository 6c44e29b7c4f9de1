// A plain blocking socket, for tests that need a peer which is not a transport. Every call is
// bounded by a time-out of the socket's, so that a broken test ends.
#pragma once
#include <cstddef>
#include <string>

#include "transport/stream.h"

namespace grey::transport {

class RawSocket {
 public:
  RawSocket() = default;
  explicit RawSocket(int fd) : fd_(fd) {}
  ~RawSocket();
  RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawSocket& operator=(RawSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  /// Connects; `buffer_bytes` > 0 makes both socket buffers about that small.
  static RawSocket connect(const Endpoint& to, int buffer_bytes = 0);
  /// Listens on a free port of 127.0.0.1 with such a backlog.
  static RawSocket listen(int backlog, int buffer_bytes = 0);
  RawSocket accept() const;
  Endpoint local_endpoint() const;

  bool valid() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  /// Writes all of it. False on any failure.
  bool write(std::string_view bytes) const;
  /// Up to `size` bytes, less at the end of the stream.
  std::string read(std::size_t size) const;
  /// True if the stream has ended or been reset.
  bool at_end() const;
  void shutdown_send() const;
  /// Closes with a reset.
  void reset();

 private:
  int fd_ = -1;
};

/// Open descriptors of this process.
std::size_t count_descriptors();
/// True if the machine has ::1.
bool has_ipv6_loopback();

}  // namespace grey::transport
