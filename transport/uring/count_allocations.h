// For tests: how often this thread has asked the global allocator (count_allocations_test.cc).
#pragma once
#include <cstdint>

namespace grey::transport::uring {
std::uint64_t heap_allocations();
}
