// The accepting side: listens, shakes hands, keeps every connection in a table and hands requests
// to one handler. Within the connection limit every connection's receive window is reserved in the
// ingress budget, so that the credit granted altogether never exceeds it.
//
// Loop's thread only.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "rpc/connection.h"
#include "transport/stream.h"

namespace grey::rpc {

/// 32 fresh bytes from a cryptographic source (in the simulator: from its seed).
using RandomBytes = std::function<std::array<char, 32>()>;

struct ServerOptions {
  protocol::SessionConfig session;  // template: role and random are filled in
  ConnectionOptions connection;
  std::uint32_t connections_max = 1024;
  /// Clients are refused beyond connections_max less so many, so that they never keep nodes out.
  std::uint32_t connections_for_nodes = 0;
  RandomBytes random;
  /// Decides who may connect; an error refuses the peer with its code. Empty: anyone.
  std::function<Status(const protocol::PeerInfo&)> authorise;
};

struct ServerStats {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;  // beyond the limit or the budget
  std::uint64_t closed = 0;
  std::map<ErrorCode, std::uint64_t> closed_by_code;
};

class Server {
 public:
  /// `transport` and `handler` outlive the server.
  Server(transport::Transport& transport, ServerOptions options, RequestHandler& handler);
  ~Server();
  Server(Server&&) = delete;

  /// Fails as Transport::listen() does.
  Status listen(const transport::Endpoint& endpoint);
  /// With the port that the system chose. Valid after listen().
  transport::Endpoint local_endpoint() const;

  /// Accepts no more and drains every connection; `done` is called (not from inside) once none is
  /// left, at `deadline` at the latest.
  void drain(MonotonicTime deadline, Task done);
  /// Accepts no more and closes every connection.
  void close();

  std::size_t connection_count() const noexcept;
  ServerStats stats() const;
  /// Of every connection, oldest first.
  std::vector<protocol::SessionStats> connection_stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace grey::rpc
