// The clients of a simulated cluster: each does one operation after the other, through any node,
// and behaves as the client library does: an answer that never came is unknown, and RESOLVE at
// another node may settle it; nothing is ever sent twice.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/random.h"
#include "cluster/register/operation.h"
#include "sim/history.h"
#include "sim/message_network.h"
#include "sim/profile.h"
#include "sim/simulated_node.h"

namespace grey::sim {

/// The last word on what clients know of the ranges, keys and values, shared by all clients of a
/// run (they talk to one another, so to speak; it makes contention sharper).
struct SharedKnowledge {
  std::vector<ValueNumber> last_seen;  // by key
  std::uint64_t round_seen = 0;
  std::vector<cluster::Ballot> home_ballot;  // by key
};

struct WorkloadCounters {
  std::uint64_t applied = 0;
  std::uint64_t mismatched = 0;
  std::uint64_t not_applied = 0;
  std::uint64_t unknown = 0;
  std::uint64_t resolved_applied = 0;
  std::uint64_t resolved_never = 0;
  std::uint64_t resolved_unknown = 0;
  std::uint64_t fast_path = 0;
};

class Client {
 public:
  using NodeDirectory = std::function<SimulatedNode*(NodeId)>;

  Client(std::uint32_t number, transport::sim::World& world, MessageNetwork& network,
         const cluster::Ring& ring, const Profile& profile, NodeDirectory directory,
         SharedKnowledge& shared, History& history, WorkloadCounters& counters, Random random);

  /// Starts the next operation after some thought, as long as `budget` lasts.
  void run(std::size_t* budget);
  bool idle() const noexcept { return !busy_; }
  /// Reads `key` through `node` with a long deadline: for the final check that all is well again.
  void read_once(std::uint32_t key, NodeId node, Duration timeout);

 private:
  using Completion = std::function<void(const cluster::OperationResult*)>;

  void start_operation();
  HistoryEvent choose();
  cluster::OperationRequest request_of(const HistoryEvent& event);
  NodeId choose_node(std::uint32_t key);
  void submit(NodeId to, cluster::OperationRequest request, Duration timeout, Completion done);
  void on_result(std::size_t event, const cluster::OperationRequest& request,
                 const cluster::OperationResult* result);
  void resolve(std::size_t event, cluster::OperationRequest request, std::uint32_t tries);
  void settle(std::size_t event, EventOutcome outcome, ValueNumber seen = 0);
  void learn(std::uint32_t key, const cluster::OperationResult& result);
  std::uint32_t host() const noexcept { return 100 + number_; }

  std::uint32_t number_;
  transport::sim::World& world_;
  MessageNetwork& network_;
  const cluster::Ring& ring_;
  const Profile& profile_;
  NodeDirectory directory_;
  SharedKnowledge& shared_;
  History& history_;
  WorkloadCounters& counters_;
  Random random_;
  std::size_t* budget_ = nullptr;
  bool busy_ = false;
  std::uint64_t sequence_ = 0;
  std::uint64_t waiting_for_ = 0;  // the submission whose answer is awaited
};

/// The name of the key of that number.
cluster::KeyName key_name(std::uint32_t key);

}  // namespace grey::sim
