// Echo under load: one thread serves, another keeps `depth` messages outstanding on each connection
// and counts what comes back. The shape is the same for every implementation that is compared.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "transport/stream.h"

namespace grey::bench {

struct EchoShape {
  int connections = 50;
  int depth = 1;
  std::size_t message_bytes = 64;
  Duration warm_up = std::chrono::milliseconds(200);
  Duration measured = std::chrono::seconds(1);
};

struct EchoFigures {
  double requests_per_second = 0;
  double latency_us_p50 = 0;
  double latency_us_p99 = 0;
  double cpu_us_per_request = 0;            // both threads
  double server_syscalls_per_request = -1;  // unknown
  double client_syscalls_per_request = -1;
};

/// Counts completed requests and their latencies once the warm-up is over. One thread's.
class EchoMeter {
 public:
  explicit EchoMeter(const EchoShape& shape) : shape_(shape) { latencies_ns_.reserve(1 << 20); }
  void begin(MonotonicTime now);
  /// True once the measured time is over.
  bool completed(MonotonicTime sent_at, MonotonicTime now);
  EchoFigures figures() const;
  std::uint64_t requests() const { return latencies_ns_.size(); }
  bool measuring() const { return measuring_; }

 private:
  EchoShape shape_;
  MonotonicTime begin_{}, measured_from_{}, last_{};
  bool measuring_ = false;
  std::int64_t cpu_ns_at_begin_ = 0;
  std::int64_t cpu_ns_at_end_ = 0;
  std::vector<std::uint32_t> latencies_ns_;
};

struct EchoTransport {
  std::unique_ptr<transport::RunnableTransport> transport;
  /// System calls so far, asked on the transport's thread; may be empty.
  std::function<std::uint64_t()> syscalls;
};

/// Over the transport seam.
EchoFigures echo_over_transport(const EchoShape& shape, const std::function<EchoTransport()>& make);
/// Over liburing with nothing around it: the limit.
EchoFigures echo_bare_uring(const EchoShape& shape);

/// Ties the calling thread to a processor, so that every implementation is placed alike.
void pin_to_processor(unsigned processor);

}  // namespace grey::bench
