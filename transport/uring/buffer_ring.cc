#include "transport/uring/buffer_ring.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/check.h"

namespace grey::transport::uring {
namespace {

constexpr std::size_t page_bytes = 4096;

void* allocate_pages(std::size_t size) {
  void* memory = std::aligned_alloc(page_bytes, (size + page_bytes - 1) / page_bytes * page_bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

Result<std::unique_ptr<BufferRing>> BufferRing::create(Ring& ring, const Options& options) {
  GREY_CHECK(options.count > 0 && (options.count & (options.count - 1)) == 0);
  GREY_CHECK(options.count <= 32'768);
  std::unique_ptr<BufferRing> buffers(new BufferRing(options));
  const std::size_t ring_bytes = options.count * sizeof(io_uring_buf);
  buffers->entries_.reset(static_cast<io_uring_buf_ring*>(allocate_pages(ring_bytes)));
  std::memset(static_cast<void*>(buffers->entries_.get()), 0, ring_bytes);
  buffers->data_.reset(
      static_cast<char*>(allocate_pages(std::size_t{options.count} * options.buffer_bytes)));

  // liburing 2.3 has no io_uring_setup_buf_ring(), which would do this and the allocation.
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffers->entries_.get());
  registration.ring_entries = options.count;
  registration.bgid = group;
  if (const int result = io_uring_register_buf_ring(ring.raw(), &registration, 0); result < 0) {
    return std::unexpected(kernel_denies("io_uring_register", -result));
  }
  io_uring_buf_ring_init(buffers->entries_.get());
  for (unsigned i = 0; i < options.count; ++i) {
    buffers->give_back(static_cast<std::uint16_t>(i));
  }
  return buffers;
}

void BufferRing::give_back(std::uint16_t buffer) {
  io_uring_buf_ring_add(entries_.get(), data_.get() + std::size_t{buffer} * options_.buffer_bytes,
                        options_.buffer_bytes, buffer, io_uring_buf_ring_mask(options_.count), 0);
  io_uring_buf_ring_advance(entries_.get(), 1);
}

}  // namespace grey::transport::uring
