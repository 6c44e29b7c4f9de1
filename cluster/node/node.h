// A node at work: the store, the links to its peers, the server that both peers and clients connect
// to, and its status. Everything runs on the loop of one transport; the same code runs on io_uring,
// on Asio and in the simulator.
//
// Thread-safety: loop's thread only.
#pragma once
#include <memory>
#include <string>

#include "cluster/node/client_service.h"
#include "cluster/node/node_config.h"
#include "cluster/node/peer_links.h"
#include "cluster/ring/ring.h"
#include "cluster/store/store_node.h"
#include "flowcontrol/memory_budget.h"
#include "rpc/server.h"

namespace spdlog {
class logger;
}

namespace grey::cluster {

struct NodeEnvironment {
  transport::Transport& transport;
  storage::Engine& engine;
  spdlog::logger& log;
  rpc::RandomBytes random_bytes;  // cryptographic
  std::uint64_t seed = 0;         // of everything else
  std::uint64_t incarnation = 0;
  std::string transport_reason;
  std::string server_version;
};

class Node final : private rpc::RequestHandler {
 public:
  using Done = std::move_only_function<void(Status)>;

  /// `environment`'s references outlive the node. `on_fatal` is called once if the node can not go
  /// on (its storage failed): the process must end.
  Node(NodeConfig config, Ring ring, NodeEnvironment environment,
       std::move_only_function<void(Error)> on_fatal);
  ~Node() override;

  /// Loads the store, then listens and connects to the peers; `done` when it serves, or cannot.
  void start(Done done);
  /// Stops in good order: no new work, what is under way ends by `deadline`.
  void stop(MonotonicTime deadline, Task done);

  transport::Endpoint endpoint() const { return server_->local_endpoint(); }
  protocol::NodeStatus status() const;
  const StoreNode& store() const noexcept { return store_; }

 private:
  /// What was last logged of a peer.
  struct PeerSeen {
    bool up = false;
    ErrorCode why = ErrorCode::ok;
  };

  void serve(Done done);
  Status authorise(const protocol::PeerInfo& peer);
  void on_request(const rpc::IncomingRequest& request, rpc::Responder responder) override;
  void on_oneway(const rpc::IncomingOneway&) override {}
  void on_cancel(std::uint64_t, ErrorCode) override {}
  void on_replica_request(const rpc::IncomingRequest& request, rpc::Responder responder);
  void watch_peers();
  protocol::SessionConfig session_template() const;
  PeerLinkOptions link_options() const;
  rpc::ServerOptions server_options();

  NodeConfig config_;
  Ring ring_;
  NodeEnvironment environment_;
  MonotonicTime started_;
  std::string state_ = "starting";
  protocol::DataLimits limits_;
  flowcontrol::MemoryBudget budget_;
  std::unique_ptr<PeerLinks> links_;
  StoreNode store_;
  ClientService clients_;
  std::unique_ptr<rpc::Server> server_;
  std::map<NodeId, PeerSeen> peers_seen_;
  transport::TimerId watch_timer_ = 0;
};

}  // namespace grey::cluster
