// Does this kernel, as it is configured here, really run what the transport needs? Asked by doing
// it: a small ring of its own, a buffer ring, and a multishot receive over a pair of sockets.
// Asking for the version would not tell: seccomp filters, a sysctl and memory limits deny it on any
// kernel.
#pragma once
#include <string>

#include "base/error.h"

namespace grey::transport::uring {

/// A word about what was found, for logs ("Linux 6.18.44, deferred task work"),
/// or transport_unsupported with the reason and what to do.
Result<std::string> check_kernel();

}  // namespace grey::transport::uring
