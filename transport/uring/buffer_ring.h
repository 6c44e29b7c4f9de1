// Receive buffers shared by all connections of a ring (a provided-buffer ring, group 0): the kernel
// takes one only when bytes have arrived, so idle connections hold none. The loop gives each back
// as soon as its bytes have been handled; the free ones are reused in the order they were given
// back.
#pragma once
#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "transport/uring/ring.h"

namespace grey::transport::uring {

class BufferRing {
 public:
  struct Options {
    unsigned count = 128;  // a power of two, at most 32,768
    unsigned buffer_bytes = 64 * 1024;
  };
  static constexpr std::uint16_t group = 0;

  /// Registers the buffers with `ring`, which has to be destroyed before them.
  static Result<std::unique_ptr<BufferRing>> create(Ring& ring, const Options& options);

  /// The bytes of a completed receive.
  std::string_view view(std::uint16_t buffer, std::size_t size) const {
    return {data_.get() + std::size_t{buffer} * options_.buffer_bytes, size};
  }
  std::size_t count() const noexcept { return options_.count; }
  /// Lets the kernel use the buffer again.
  void give_back(std::uint16_t buffer);

 private:
  struct Free {
    void operator()(void* pointer) const { std::free(pointer); }
  };
  explicit BufferRing(const Options& options) : options_(options) {}

  Options options_;
  std::unique_ptr<io_uring_buf_ring, Free> entries_;
  std::unique_ptr<char, Free> data_;
};

}  // namespace grey::transport::uring
