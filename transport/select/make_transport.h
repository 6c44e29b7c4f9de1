// Chooses the transport when a process starts: io_uring where the kernel, as it is configured here,
// really runs it, otherwise Asio. The choice and its reason are for the log and the metrics.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "transport/stream.h"

namespace grey::transport {

/// The setting `transport: auto|io_uring|asio`.
enum class TransportKind { automatic, io_uring, asio };

/// Fails with config_bad_value.
Result<TransportKind> parse_transport_kind(std::string_view text);

struct ChosenTransport {
  std::unique_ptr<RunnableTransport> transport;  // its name() says which
  /// Why this one, in a sentence for people.
  std::string reason;
};

/// Fails with transport_unsupported if io_uring is asked for by name and denied (the detail says
/// why and what to do), or transport_io.
Result<ChosenTransport> make_transport(TransportKind kind);

}  // namespace grey::transport
