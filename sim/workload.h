// The clients of a simulated cluster: each does one operation after the other and notes what it
// saw. How an operation reaches the cluster is an OperationRunner's business: as messages between
// store nodes (message_runner.h), or through the client library over connections (full_stack/).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/random.h"
#include "sim/history.h"
#include "sim/profile.h"
#include "transport/sim/world.h"

namespace grey::sim {

/// The last word on what clients know of the keys and their values, shared by all clients of a run
/// (they talk to one another, so to speak; it makes contention sharper).
struct SharedKnowledge {
  std::vector<ValueNumber> last_seen;  // by key
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

/// Carries operations out, one at a time.
class OperationRunner {
 public:
  /// What became of the operation, and the value that a get saw.
  using Done = std::function<void(EventOutcome outcome, ValueNumber seen)>;

  virtual ~OperationRunner() = default;
  virtual void run(const HistoryEvent& operation, Duration timeout, Done done) = 0;
  /// A get through one particular node.
  virtual void read_through(NodeId node, const HistoryEvent& read, Duration timeout, Done done) = 0;
};

class Client {
 public:
  Client(std::uint32_t number, transport::sim::World& world, const Profile& profile,
         OperationRunner& runner, SharedKnowledge& shared, History& history,
         WorkloadCounters& counters, Random random);

  /// Starts the next operation after some thought, as long as `budget` lasts.
  void run(std::size_t* budget);
  bool idle() const noexcept { return !busy_; }
  /// Reads `key` through `node` with a long deadline: for the final check that all is well again.
  void read_once(std::uint32_t key, NodeId node, Duration timeout);

 private:
  void start_operation();
  HistoryEvent choose();
  HistoryEvent choose_written_once();
  void settle(std::size_t event, EventOutcome outcome, ValueNumber seen);

  std::uint32_t number_;
  transport::sim::World& world_;
  const Profile& profile_;
  OperationRunner& runner_;
  SharedKnowledge& shared_;
  History& history_;
  WorkloadCounters& counters_;
  Random random_;
  std::size_t* budget_ = nullptr;
  bool busy_ = false;
  std::uint64_t sequence_ = 0;
};

/// A written value names its writer: `number` is the client's, `sequence` counts its operations.
constexpr std::uint64_t values_per_client = 1'000'000;
constexpr ValueNumber value_number(std::uint32_t client, std::uint64_t sequence) {
  return (client + 1) * values_per_client + sequence;
}

}  // namespace grey::sim
