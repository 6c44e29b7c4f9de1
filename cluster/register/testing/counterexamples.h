// Schedules on which a wrong rule loses an acknowledged operation. Each returns what its clients
// were told; with every rule in force the story ends well. The mutant build runs the same schedules
// with one rule broken, which shows that they bite.
#pragma once
#include "cluster/register/testing/scripted_cluster.h"

namespace grey::cluster::counterexample {

/// Coordinators on nodes that hold no replica, so that none of them is a home.
inline constexpr NodeId x_node = 11;
inline constexpr NodeId y_node = 12;

struct TwoWriters {
  ErrorCode first;   // what the writer in doubt was told
  ErrorCode second;  // what the other one was told
  Bytes final_value;
};

/// "Older than my last attempt, so mine died" (rule 12). A, B, C are the replicas 1, 2, 3.
///  1. X writes 1: prepares a at A and B, sends ACCEPT a; all three are delayed.
///  2. X prepares b at A and C, finds nothing, sends ACCEPT b; also delayed.
///  3. The old ACCEPT a lands on B, which never heard of b.
///  4. Y compares and sets 1 → 2: prepares c at B and C, sees a, derives 2 with base a; chosen at B
///     and C, acknowledged. So X's write has taken effect, before Y's.
///  5. ACCEPT b reaches B and C too late, which have promised c: X is in doubt.
///  6. X prepares d at B and C and finds 2, derived from a: older than b, but not than a.
inline TwoWriters older_than_my_last_attempt(PlantedBugs bugs, OperationRequest write) {
  ScriptedCluster cluster(bugs);
  cluster.add_coordinator(x_node);
  cluster.add_coordinator(y_node);

  const OperationHandle x = cluster.start(x_node, std::move(write));
  cluster.exchange(x, {1, 2});
  const auto accept_a_at_b = cluster.latest(x, 2);
  EXPECT_TRUE(accept_a_at_b.is<AcceptRequest>());

  cluster.wait_out_step();
  EXPECT_TRUE(cluster.latest(x, 1).is<PrepareRequest>());
  cluster.exchange(x, {1, 3});
  EXPECT_TRUE(cluster.latest(x, 1).is<AcceptRequest>());

  EXPECT_TRUE(cluster.deliver(accept_a_at_b).granted);

  const OperationHandle y = cluster.start(y_node, ScriptedCluster::cas(2, "1", "2"));
  cluster.run_to_end(y, {2, 3});

  cluster.exchange(x, {2, 3});
  cluster.run_to_end(x, {2, 3});

  const OperationHandle read = cluster.start(y_node, ScriptedCluster::get());
  cluster.run_to_end(read, {1, 2, 3});
  return {cluster.error(x), cluster.error(y), Bytes(cluster.value(read))};
}

/// ACCEPT below a promise (rule 3). X and Y both create the key, if it is absent.
///  1. X prepares a at A and B and sends ACCEPT a, delayed.
///  2. Y prepares b at A and B, finds nothing, sends ACCEPT b, delayed.
///  3. ACCEPT a arrives at A and B. It is below their promise.
///  4. ACCEPT b arrives.
inline TwoWriters accept_below_a_promise(PlantedBugs bugs) {
  ScriptedCluster cluster(bugs);
  cluster.add_coordinator(x_node);
  cluster.add_coordinator(y_node);
  const OperationHandle x = cluster.start(x_node, ScriptedCluster::cas(1, {}, "x"));
  cluster.exchange(x, {1, 2});
  const OperationHandle y = cluster.start(y_node, ScriptedCluster::cas(2, {}, "y"));
  cluster.exchange(y, {1, 2});
  if (!cluster.latest(y, 1).is<AcceptRequest>()) {  // it began at X's round and went above it
    cluster.wait_out_pause();
    cluster.exchange(y, {1, 2});
  }
  EXPECT_TRUE(cluster.latest(x, 1).is<AcceptRequest>());
  EXPECT_TRUE(cluster.latest(y, 1).is<AcceptRequest>());
  cluster.exchange(x, {1, 2});
  cluster.exchange(y, {1, 2});
  cluster.run_to_end(y, {1, 2});
  cluster.run_to_end(x, {1, 2});
  const OperationHandle read = cluster.start(y_node, ScriptedCluster::get());
  cluster.run_to_end(read, {1, 2, 3});
  return {cluster.error(x), cluster.error(y), Bytes(cluster.value(read))};
}

/// A promise that a crash forgets (rule 2). As above, but X prepared at B and C, and B crashes
/// between Y's promise and X's ACCEPT, which then finds B and C willing.
inline TwoWriters promise_lost_in_a_crash(PlantedBugs bugs) {
  ScriptedCluster cluster(bugs);
  cluster.add_coordinator(x_node);
  cluster.add_coordinator(y_node);
  const OperationHandle x = cluster.start(x_node, ScriptedCluster::cas(1, {}, "x"));
  cluster.exchange(x, {2, 3});
  const OperationHandle y = cluster.start(y_node, ScriptedCluster::cas(2, {}, "y"));
  cluster.exchange(y, {1, 2});
  EXPECT_TRUE(cluster.latest(x, 2).is<AcceptRequest>());
  EXPECT_TRUE(cluster.latest(y, 2).is<AcceptRequest>());
  cluster.crash(2);
  cluster.exchange(x, {2, 3});
  cluster.exchange(y, {1, 2});
  cluster.run_to_end(y, {1, 2});
  cluster.run_to_end(x, {2, 3});
  const OperationHandle read = cluster.start(y_node, ScriptedCluster::get());
  cluster.run_to_end(read, {1, 2});
  return {cluster.error(x), cluster.error(y), Bytes(cluster.value(read))};
}

struct TwoReads {
  Bytes first;
  Bytes second;  // begun after the first had ended
};

/// The largest ballot taken for the chosen one (rule 6): "1" is chosen, "2" reaches only A, one
/// reader asks A and B, a later one B and C.
inline TwoReads read_of_a_write_half_way(PlantedBugs bugs) {
  ScriptedCluster cluster(bugs);
  cluster.add_coordinator(x_node);
  cluster.add_coordinator(y_node);
  const OperationHandle old = cluster.start(x_node, ScriptedCluster::put(1, "1"));
  cluster.run_to_end(old, {1, 2, 3});
  cluster.exchange(old, {3});  // the straggler
  const OperationHandle half = cluster.start(x_node, ScriptedCluster::put(2, "2"));
  cluster.exchange(half, {1, 2});
  cluster.deliver(cluster.latest(half, 1));
  const OperationHandle first = cluster.start(y_node, ScriptedCluster::get());
  cluster.run_to_end(first, {1, 2});
  const OperationHandle second = cluster.start(y_node, ScriptedCluster::get());
  cluster.run_to_end(second, {2, 3});
  return {Bytes(cluster.value(first)), Bytes(cluster.value(second))};
}

}  // namespace grey::cluster::counterexample
