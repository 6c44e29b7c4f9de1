// For tests: how often the heap has been asked for memory.
#pragma once
#include <cstdint>

namespace grey::transport::asio {

std::uint64_t heap_allocations();

}  // namespace grey::transport::asio
