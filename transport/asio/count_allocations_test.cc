// The global allocator of this folder's test program, with a counter. In a file of its own, so that
// the compiler does not mistake its insides for mismatched calls.
#include "transport/asio/count_allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> allocations{0};

}  // namespace

void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* block = std::malloc(size)) return block;
  std::abort();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace grey::transport::asio {

std::uint64_t heap_allocations() { return allocations.load(std::memory_order_relaxed); }

}  // namespace grey::transport::asio
