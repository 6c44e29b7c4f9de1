// The global allocator of this folder's test program, with a counter. In a file of its own, so that
// the compiler does not take its insides for mismatched calls.
#include "transport/uring/count_allocations.h"

#include <cstdlib>
#include <new>

namespace {
thread_local std::uint64_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* block = std::malloc(size)) return block;
  std::abort();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace grey::transport::uring {
std::uint64_t heap_allocations() { return allocations; }
}  // namespace grey::transport::uring
