// The send under way on a connection: a batch, how much of it the kernel has taken, and the iovec
// array for the next system call. Its memory is reused from batch to batch. Pure.
#pragma once
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <vector>

#include "base/send_batch.h"

namespace grey::transport::uring {

class GatheredSend {
 public:
  /// The kernel's UIO_MAXIOV: more pieces than this need several sends.
  static constexpr std::size_t pieces_max = 1024;

  bool active() const noexcept { return active_; }
  bool done() const noexcept { return active_ && sent_ == batch_.size(); }

  void begin(SendBatch batch);
  /// The bytes that the next send should offer; at least one piece. Valid until advance() or
  /// take().
  const msghdr& next_message();
  /// The kernel has taken `size` bytes of the last next_message().
  void advance(std::size_t size);
  /// The batch, cleared, once done.
  SendBatch take();

 private:
  SendBatch batch_;
  bool active_ = false;
  std::size_t sent_ = 0;
  std::size_t piece_ = 0;         // first piece not taken whole
  std::size_t piece_offset_ = 0;  // bytes of it that have been taken
  std::vector<iovec> vectors_;
  msghdr message_{};
};

}  // namespace grey::transport::uring
