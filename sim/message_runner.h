// A client whose operations are messages to store nodes. It behaves as the client library does: an
// answer that never came is unknown, and RESOLVE at another node may settle it; nothing is ever
// sent twice.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "cluster/register/operation.h"
#include "cluster/ring/ring.h"
#include "sim/message_network.h"
#include "sim/simulated_node.h"
#include "sim/workload.h"

namespace grey::sim {

/// The last word on what clients know of ballots, shared as SharedKnowledge is.
struct SharedBallots {
  std::uint64_t round_seen = 0;
  std::vector<cluster::Ballot> home;  // by key
};

class MessageRunner final : public OperationRunner {
 public:
  using NodeDirectory = std::function<SimulatedNode*(NodeId)>;

  MessageRunner(std::uint32_t client, transport::sim::World& world, MessageNetwork& network,
                const cluster::Ring& ring, const Profile& profile, NodeDirectory directory,
                SharedBallots& shared, WorkloadCounters& counters, Random random);

  void run(const HistoryEvent& operation, Duration timeout, Done done) override;
  void read_through(NodeId node, const HistoryEvent& read, Duration timeout, Done done) override;

 private:
  using Completion = std::function<void(const cluster::OperationResult*)>;

  cluster::OperationRequest request_of(const HistoryEvent& event);
  NodeId choose_node(std::uint32_t key);
  void submit(NodeId to, cluster::OperationRequest request, Duration timeout, Completion done);
  void on_result(std::uint32_t key, const cluster::OperationRequest& request, Duration timeout,
                 const Done& done, const cluster::OperationResult* result);
  void resolve(std::uint32_t key, cluster::OperationRequest request, Duration timeout,
               const Done& done, std::uint32_t tries);
  void learn(std::uint32_t key, const cluster::OperationResult& result);
  std::uint32_t host() const noexcept { return 100 + client_; }

  std::uint32_t client_;
  transport::sim::World& world_;
  MessageNetwork& network_;
  const cluster::Ring& ring_;
  const Profile& profile_;
  NodeDirectory directory_;
  SharedBallots& shared_;
  WorkloadCounters& counters_;
  Random random_;
  std::uint64_t waiting_for_ = 0;  // the submission whose answer is awaited
};

/// The name of the key of that number.
cluster::KeyName key_name(std::uint32_t key);

}  // namespace grey::sim
