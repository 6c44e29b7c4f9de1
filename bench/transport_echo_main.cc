// Compares echo over bare io_uring, our io_uring transport and our Asio transport, interleaved in
// one run so that a slow phase of the host hits all of them, and prints medians and ratios.
//
//   transport_echo_bench [--connections=N] [--depth=N] [--bytes=N] [--rounds=N] [--milliseconds=N]
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "bench/echo.h"
#include "transport/asio/asio_transport.h"
#include "transport/uring/transport.h"

namespace grey::bench {
namespace {

struct Contender {
  const char* name;
  EchoFigures (*run)(const EchoShape&);
};

EchoTransport make_uring() {
  auto made = transport::uring::UringTransport::create();
  GREY_CHECK(made.has_value());
  const auto* raw = made->get();
  return {std::move(*made), [raw] { return raw->counters().syscalls; }};
}
EchoTransport make_asio() {
  auto made = transport::asio::AsioTransport::create();
  GREY_CHECK(made.has_value());
  return {std::move(*made), {}};
}

constexpr Contender contenders[] = {
    {"bare io_uring", echo_bare_uring},
    {"io_uring", [](const EchoShape& shape) { return echo_over_transport(shape, make_uring); }},
    {"asio", [](const EchoShape& shape) { return echo_over_transport(shape, make_asio); }},
};

EchoFigures median(std::vector<EchoFigures> rounds) {
  std::sort(rounds.begin(), rounds.end(), [](const auto& a, const auto& b) {
    return a.requests_per_second < b.requests_per_second;
  });
  return rounds[rounds.size() / 2];
}

void compare(const EchoShape& shape, int rounds) {
  std::vector<std::vector<EchoFigures>> all(std::size(contenders));
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < std::size(contenders); ++i) {
      all[i].push_back(contenders[i].run(shape));
    }
  }
  std::printf("%d connections, depth %d, %zu bytes, median of %d rounds\n", shape.connections,
              shape.depth, shape.message_bytes, rounds);
  std::printf("  %-14s %12s %8s %9s %9s %8s %12s %12s\n", "", "requests/s", "ratio", "p50 us",
              "p99 us", "cpu us", "calls server", "calls client");
  double best = 0;
  for (std::size_t i = 0; i < std::size(contenders); ++i) {
    const EchoFigures f = median(all[i]);
    if (i == 0) best = f.requests_per_second;
    std::printf("  %-14s %12.0f %8.2f %9.1f %9.1f %8.2f %12.3f %12.3f\n", contenders[i].name,
                f.requests_per_second, f.requests_per_second / best, f.latency_us_p50,
                f.latency_us_p99, f.cpu_us_per_request, f.server_syscalls_per_request,
                f.client_syscalls_per_request);
  }
}

/// The number of --name=number, or `otherwise`.
long option(int argc, char** argv, std::string_view name, long otherwise) {
  for (int i = 1; i < argc; ++i) {
    std::string_view text = argv[i];
    if (!text.starts_with(name) || text.size() <= name.size() || text[name.size()] != '=') continue;
    text.remove_prefix(name.size() + 1);
    long value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  return otherwise;
}

int run(int argc, char** argv) {
  EchoShape shape;
  shape.measured = std::chrono::milliseconds(option(argc, argv, "--milliseconds", 500));
  const int rounds = static_cast<int>(option(argc, argv, "--rounds", 5));
  const int connections = static_cast<int>(option(argc, argv, "--connections", 0));
  if (connections > 0) {
    shape.connections = connections;
    shape.depth = static_cast<int>(option(argc, argv, "--depth", 1));
    shape.message_bytes = static_cast<std::size_t>(option(argc, argv, "--bytes", 64));
    compare(shape, rounds);
    return 0;
  }
  for (const auto& [count, depth, bytes] :
       {std::tuple{1, 1, 64}, {50, 1, 64}, {50, 16, 64}, {1000, 1, 64}, {50, 1, 65536}}) {
    shape.connections = count;
    shape.depth = depth;
    shape.message_bytes = static_cast<std::size_t>(bytes);
    compare(shape, rounds);
  }
  return 0;
}

}  // namespace
}  // namespace grey::bench

int main(int argc, char** argv) { return grey::bench::run(argc, argv); }
