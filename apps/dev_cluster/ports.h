// Ports of the loopback interface, asked from outside: which are free, which answer. The only part
// of the programs that opens sockets itself: the nodes it looks at are other processes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"

namespace grey::dev {

/// `count` different ports that were free a moment ago. Fails with transport_io.
Result<std::vector<std::uint16_t>> free_ports(std::size_t count);
/// True if a program could listen on 127.0.0.1:`port` now.
bool is_free(std::uint16_t port);
/// True if something accepts connections on 127.0.0.1:`port`.
bool accepts_connections(std::uint16_t port);

}  // namespace grey::dev
