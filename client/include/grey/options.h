// How a client behaves. Every wait has a limit; zero durations are not allowed.
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace grey {

struct Options {
  /// "host:port" of some nodes; one that answers is enough, it tells of the others.
  std::vector<std::string> seeds;
  /// Whose keys: 1 to 64 bytes.
  std::string tenant = "default";
  /// If not empty, nodes of another cluster are refused.
  std::string cluster_id;
  /// The secret that nodes share with clients, at least 16 bytes; empty: connections are not
  /// encrypted. With one, unencrypted nodes are refused.
  std::string secret;

  /// Of an operation that does not say otherwise.
  std::chrono::milliseconds timeout{10'000};
  /// How long an operation waits for the first node to be reachable (at most its timeout).
  std::chrono::milliseconds connect_wait{10'000};
  /// After which a get goes on to another replica, and RESOLVE too.
  std::chrono::milliseconds attempt_timeout{1'000};
  /// After which the fate of an unanswered write is asked for elsewhere.
  std::chrono::milliseconds write_attempt_timeout{3'000};
  /// A node that does not answer a PING within liveness_timeout counts as down.
  std::chrono::milliseconds ping_interval{250};
  std::chrono::milliseconds liveness_timeout{750};
  /// Of one connection attempt.
  std::chrono::milliseconds connect_timeout{2'000};

  /// Operations under way; further ones end with errc::overloaded.
  std::size_t operations_max = 4096;
};

struct OperationOptions {
  /// Instead of Options::timeout.
  std::optional<std::chrono::milliseconds> timeout;
};
using GetOptions = OperationOptions;
using WriteOptions = OperationOptions;

}  // namespace grey
