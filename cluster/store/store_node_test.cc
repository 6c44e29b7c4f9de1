// Three store nodes joined by direct message passing, each on a disk of its own.
#include "cluster/store/store_node.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>

#include "storage/memory/memory_engine.h"
#include "storage/testing/test_executor.h"

namespace grey::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Topology three_nodes() {
  Topology topology;
  topology.cluster_id = "test";
  topology.virtual_nodes = 4;
  for (NodeId id = 1; id <= 3; ++id) {
    topology.nodes.push_back({id, "10.0.0." + std::to_string(id) + ":1", "", ""});
  }
  return topology;
}

class ThreeNodes : public testing::Test {
 protected:
  ThreeNodes() {
    for (NodeId id = 1; id <= 3; ++id) {
      members_[id] = std::make_unique<Member>(*this, id);
      boot(id);
    }
  }
  ~ThreeNodes() override {
    for (auto& [id, member] : members_) member->shut_down();
  }

  // ---- nodes ----------------------------------------------------------------------------------

  class Member final : public PeerSender {
   public:
    Member(ThreeNodes& cluster, NodeId id) : disk(Random(id)), cluster_(cluster), id_(id) {}
    void send(NodeId to, const RequestId& request_id, const ReplicaRequest& request) override {
      cluster_.carry(id_, to, request_id, request);
    }
    bool reachable(NodeId other) const override { return cluster_.members_.at(other)->up(); }
    bool up() const { return node != nullptr && !frozen; }
    void shut_down() {
      node.reset();
      engine.reset();
    }

    storage::MemoryDisk disk;
    std::unique_ptr<storage::MemoryEngine> engine;
    std::unique_ptr<StoreNode> node;
    std::uint64_t life = 0;
    bool frozen = false;  // takes no message and sends none, but nobody is told

   private:
    ThreeNodes& cluster_;
    NodeId id_;
  };

  void boot(NodeId id) {
    Member& member = *members_.at(id);
    StoreNodeOptions options;
    options.coordinator.self = id;
    options.coordinator.incarnation = ++member.life;
    member.engine = std::make_unique<storage::MemoryEngine>(member.disk, executor_);
    member.node =
        std::make_unique<StoreNode>(options, ring_, executor_, *member.engine, member, Random(id),
                                    [](const Error& error) { FAIL() << error.message(); });
    std::optional<Status> opened;
    member.node->open([&](Status status) { opened = std::move(status); });
    while (!opened) ASSERT_TRUE(executor_.run_one());
    ASSERT_TRUE(opened->has_value());
  }
  void kill(NodeId id) {
    Member& member = *members_.at(id);
    member.disk.crash(random_);
    member.shut_down();
  }
  StoreNode& node(NodeId id) { return *members_.at(id)->node; }

  // ---- messages: an answer to an earlier life is dropped, as with a connection ------------------

  void carry(NodeId from, NodeId to, RequestId id, const ReplicaRequest& request) {
    ++messages_;
    executor_.post([this, from, to, id, request, life = members_.at(from)->life] {
      Member& target = *members_.at(to);
      if (target.frozen) return;
      if (!target.up()) return answer(from, life, [=](StoreNode& n) { n.on_peer_silence(to, id); });
      target.node->on_peer_request(request, [this, from, to, id, life](const ReplicaReply& reply) {
        answer(from, life, [=](StoreNode& n) { n.on_peer_reply(to, id, reply); });
      });
    });
  }
  void answer(NodeId to, std::uint64_t life, std::function<void(StoreNode&)> give) {
    executor_.post([this, to, life, give = std::move(give)] {
      Member& asker = *members_.at(to);
      if (asker.up() && asker.life == life) give(*asker.node);
    });
  }

  // ---- operations -----------------------------------------------------------------------------

  OperationRequest request(OperationKind kind, ByteView key, ByteView value = {}) {
    OperationRequest r;
    r.kind = kind;
    r.key = KeyName::make("t", key, token_of("t", key));
    r.id = {{1, 1}, ++ids_};
    r.window = {1, {}, 1000};
    r.value = SharedBytes::copy_of(value);
    return r;
  }
  /// Runs the operation at the node; fails the test if it has no answer.
  OperationResult run(NodeId at, OperationRequest r, Duration limit = seconds(5)) {
    std::optional<OperationResult> result;
    node(at).submit(std::move(r), executor_.now() + limit,
                    [&](OperationResult done) { result = std::move(done); });
    while (!result && executor_.run_one()) {
    }
    for (auto& [id, member] : members_) {
      if (member->node) member->node->check_invariants();
    }
    EXPECT_TRUE(result.has_value());
    return result.value_or(OperationResult());
  }
  void pass(Duration time) {
    bool over = false;
    executor_.schedule_after(time, [&] { over = true; });
    executor_.run_until([&] { return over; });
  }
  ErrorCode put(NodeId at, ByteView key, ByteView value) {
    return run(at, request(OperationKind::put, key, value)).error;
  }
  OperationResult get(NodeId at, ByteView key) { return run(at, request(OperationKind::get, key)); }
  Bytes value(NodeId at, ByteView key) {
    const OperationResult result = get(at, key);
    EXPECT_EQ(result.error, ErrorCode::ok);
    return Bytes(result.record.value.view());
  }
  ErrorCode cas(NodeId at, ByteView key, ByteView expected, ByteView desired) {
    OperationRequest r = request(OperationKind::cas, key, desired);
    r.expected.kind = Expectation::Kind::value;
    r.expected.value = SharedBytes::copy_of(expected);
    return run(at, r).error;
  }
  /// The replicas of the key's range, its preferred home first.
  ReplicaSet replicas_of(ByteView key) {
    return node_up().placement_of(KeyName::make("t", key, token_of("t", key))).replicas;
  }
  StoreNode& node_up() {
    for (auto& [id, member] : members_) {
      if (member->up()) return *member->node;
    }
    return node(1);
  }

  storage::TestExecutor executor_;
  Random random_{31};
  Ring ring_ = Ring::make(three_nodes()).value();
  std::map<NodeId, std::unique_ptr<Member>> members_;
  std::uint64_t ids_ = 0;
  std::uint64_t messages_ = 0;
};

TEST_F(ThreeNodes, WhatOneNodeWritesAllNodesRead) {
  for (NodeId writer = 1; writer <= 3; ++writer) {
    const Bytes key = "key" + std::to_string(writer);
    EXPECT_EQ(get(1, key).error, ErrorCode::not_found);
    EXPECT_EQ(put(writer, key, "value"), ErrorCode::ok);
    for (NodeId reader = 1; reader <= 3; ++reader) EXPECT_EQ(value(reader, key), "value");
  }
}

TEST_F(ThreeNodes, DeleteAndCompareAndSwap) {
  EXPECT_EQ(put(1, "k", "1"), ErrorCode::ok);
  EXPECT_EQ(cas(2, "k", "1", "2"), ErrorCode::ok);
  EXPECT_EQ(cas(3, "k", "1", "3"), ErrorCode::precondition_failed);
  EXPECT_EQ(value(3, "k"), "2");
  EXPECT_EQ(run(2, request(OperationKind::remove, "k")).error, ErrorCode::ok);
  EXPECT_EQ(get(1, "k").error, ErrorCode::not_found);
  EXPECT_EQ(run(1, request(OperationKind::cas, "k", "new")).error, ErrorCode::ok);  // if absent
  EXPECT_EQ(value(2, "k"), "new");
}

TEST_F(ThreeNodes, AnyNodeResolvesAnOperationById) {
  OperationRequest put = request(OperationKind::put, "k", "1");
  put.window.round_high = 20;
  EXPECT_EQ(run(1, put).error, ErrorCode::ok);
  OperationRequest resolve = put;
  resolve.kind = OperationKind::resolve;
  EXPECT_EQ(run(2, resolve).error, ErrorCode::ok);
  EXPECT_EQ(run(3, resolve).error, ErrorCode::ok);
  OperationRequest never = request(OperationKind::resolve, "other");
  never.window.round_high = 20;
  EXPECT_EQ(run(3, never).error, ErrorCode::cancelled);
  EXPECT_EQ(value(1, "k"), "1");
}

TEST_F(ThreeNodes, AtHomeAWriteIsOneRoundAndOneSync) {
  const NodeId home = replicas_of("k").nodes[0];
  EXPECT_EQ(put(home, "k", "1"), ErrorCode::ok);
  executor_.run_until_idle();
  const std::uint64_t messages = messages_;
  const std::uint64_t syncs = members_.at(home)->disk.counters().syncs;
  const OperationResult result = run(home, request(OperationKind::put, "k", "2"));
  EXPECT_TRUE(result.fast_path);
  EXPECT_EQ(messages_, messages + 2);  // one to each other replica
  EXPECT_LE(members_.at(home)->disk.counters().syncs, syncs + 1);
}

TEST_F(ThreeNodes, OneNodeDownFailsNothing) {
  for (const bool told : {true, false}) {  // connection refused, or silence
    for (NodeId down = 1; down <= 3; ++down) {
      const Bytes key = "k" + std::to_string(down) + (told ? "t" : "s");
      EXPECT_EQ(put(down, key, "before"), ErrorCode::ok);
      if (told) {
        kill(down);
      } else {
        members_.at(down)->frozen = true;
      }
      for (NodeId at = 1; at <= 3; ++at) {
        if (at == down) continue;
        EXPECT_EQ(value(at, key), "before");
        const Bytes fresh = key + std::to_string(at);
        EXPECT_EQ(put(at, fresh, "during"), ErrorCode::ok);
        EXPECT_EQ(value(at, fresh), "during");
      }
      const NodeId other = down == 1 ? 2 : 1;
      EXPECT_EQ(put(other, key, "after"), ErrorCode::ok);
      if (told) {
        boot(down);
      } else {
        members_.at(down)->frozen = false;
      }
      EXPECT_EQ(value(down, key), "after");
    }
  }
}

TEST_F(ThreeNodes, TheNextReplicaBecomesHomeAndTheFirstTakesItBack) {
  const ReplicaSet replicas = replicas_of("k");
  const NodeId first = replicas.nodes[0];
  const NodeId second = replicas.nodes[1];
  const RangeToken token = ring_.end_of(ring_.range_of(token_of("t", "k")));
  EXPECT_EQ(put(first, "k", "1"), ErrorCode::ok);
  EXPECT_EQ(put(second, "k", "2"), ErrorCode::ok);  // works, but the home stays where it is
  EXPECT_TRUE(node(first).coordinator().is_home(token));
  EXPECT_FALSE(node(second).coordinator().is_home(token));

  kill(first);
  EXPECT_EQ(put(second, "k", "3"), ErrorCode::ok);
  EXPECT_TRUE(node(second).coordinator().is_home(token));
  EXPECT_TRUE(run(second, request(OperationKind::put, "k", "4")).fast_path);

  boot(first);
  EXPECT_EQ(value(first, "k"), "4");
  EXPECT_EQ(put(first, "k", "5"), ErrorCode::ok);
  EXPECT_TRUE(node(first).coordinator().is_home(token));
  EXPECT_EQ(value(second, "k"), "5");
}

// Two homes by turns, as when a node was down for a while, and a key that both write: the old home
// steps down when its own replica promises the range to the new one, not with a write in doubt.
TEST_F(ThreeNodes, AHomeThatWasReplacedWritesOnWithoutDoubt) {
  const ReplicaSet replicas = replicas_of("k");
  const NodeId first = replicas.nodes[0];
  const NodeId second = replicas.nodes[1];
  const RangeToken token = ring_.end_of(ring_.range_of(token_of("t", "k")));
  kill(first);
  EXPECT_EQ(put(second, "k", "1"), ErrorCode::ok);
  EXPECT_TRUE(node(second).coordinator().is_home(token));
  boot(first);
  EXPECT_EQ(put(first, "k", "2"), ErrorCode::ok);
  executor_.run_until_idle();
  EXPECT_TRUE(node(first).coordinator().is_home(token));
  EXPECT_FALSE(node(second).coordinator().is_home(token));
  EXPECT_EQ(put(second, "k", "3"), ErrorCode::ok);
  EXPECT_EQ(value(first, "k"), "3");
}

// What clients do that each send one write to whichever node they reach first: nothing is wrong, so
// no outcome may be unknown, however often the nodes take turns.
TEST_F(ThreeNodes, WritesThroughNodesByTurnsAreNeverInDoubt) {
  for (int i = 0; i < 300; ++i) {
    const auto at = static_cast<NodeId>(random_.between(1, 3));
    const Bytes key = "k" + std::to_string(random_.below(5));
    ASSERT_EQ(put(at, key, std::to_string(i)), ErrorCode::ok) << i;
    if (random_.chance(0.2)) {
      EXPECT_EQ(value(at, key), std::to_string(i));
    }
    if (random_.chance(0.1)) pass(milliseconds(500));
  }
}

TEST_F(ThreeNodes, WithoutAMajorityEveryAnswerIsHonestAndInTime) {
  EXPECT_EQ(put(1, "k", "1"), ErrorCode::ok);
  kill(2);
  kill(3);
  const MonotonicTime begun = executor_.now();
  EXPECT_EQ(run(1, request(OperationKind::get, "k"), seconds(2)).error, ErrorCode::no_quorum);
  EXPECT_EQ(executor_.now(), begun + seconds(2));
  const ErrorCode error = run(1, request(OperationKind::put, "k", "2"), seconds(2)).error;
  EXPECT_TRUE(error == ErrorCode::no_quorum || error == ErrorCode::outcome_unknown);
  boot(2);
  EXPECT_EQ(get(2, "k").error, ErrorCode::ok);
}

TEST_F(ThreeNodes, AllNodesMayDieAndNothingAcknowledgedIsLost) {
  for (int i = 0; i < 30; ++i) {
    const auto at = static_cast<NodeId>(random_.between(1, 3));
    EXPECT_EQ(put(at, "k" + std::to_string(i), std::to_string(i)), ErrorCode::ok);
  }
  for (NodeId id = 1; id <= 3; ++id) kill(id);
  for (NodeId id = 1; id <= 3; ++id) boot(id);
  for (int i = 0; i < 30; ++i) {
    const auto at = static_cast<NodeId>(random_.between(1, 3));
    EXPECT_EQ(value(at, "k" + std::to_string(i)), std::to_string(i));
  }
}

TEST_F(ThreeNodes, ARottenReplicaIsOutvoted) {
  const Bytes key = "k";
  EXPECT_EQ(put(1, key, "value"), ErrorCode::ok);
  executor_.run_until_idle();
  const NodeId bad = replicas_of(key).nodes[0];
  const KeyName name = KeyName::make("t", key, token_of("t", key));
  kill(bad);
  Bytes stored_at = "r";
  for (int shift = 56; shift >= 0; shift -= 8) {
    stored_at.push_back(static_cast<char>(name.token >> shift));
  }
  stored_at += name.packed;
  ASSERT_TRUE(members_.at(bad)->disk.rot_stored_bit(stored_at, random_));
  boot(bad);
  for (NodeId at = 1; at <= 3; ++at) EXPECT_EQ(value(at, key), "value");
  EXPECT_EQ(put(2, key, "new"), ErrorCode::ok);
  EXPECT_EQ(value(3, key), "new");
  EXPECT_GT(node(bad).replica().counters().faulty_records, 0U);
}

TEST_F(ThreeNodes, ARequestForWhatIsNotHereIsRefusedAndLeavesNoTrace) {
  const RangeId range = ring_.range_of(token_of("t", "k"));
  const RangeToken other = ring_.end_of((range + 1) % ring_.range_count());
  const KeyName name = KeyName::make("t", "k", token_of("t", "k"));
  const std::array<ReplicaRequest, 4> requests{
      ReplicaRequest{1, other + 1, name, ReadRequest{}},  // no such range
      ReplicaRequest{1, other, name, PrepareRequest{{1, 1, 1, 1, 1}}},
      ReplicaRequest{1, other, {}, ReadRequest{}},  // a key request without a key
      ReplicaRequest{1, other + 1, {}, PrepareRangeRequest{{1, 1, 1, 1, 1}}}};
  const std::uint64_t served = node(1).replica().counters().requests;
  for (const ReplicaRequest& r : requests) {
    std::optional<ReplicaReply> reply;
    node(1).on_peer_request(r, [&](ReplicaReply answer) { reply = std::move(answer); });
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->error, ErrorCode::not_replica);
    EXPECT_FALSE(reply->granted);
  }
  EXPECT_EQ(node(1).replica().counters().requests, served);
}

TEST_F(ThreeNodes, ManyOperationsAtOnceAllEnd) {
  int ended = 0;
  std::map<ErrorCode, int> answers;
  for (int i = 0; i < 600; ++i) {
    const auto at = static_cast<NodeId>(random_.between(1, 3));
    const Bytes key = "k" + std::to_string(random_.below(20));
    const auto kind = random_.chance(0.5) ? OperationKind::put : OperationKind::get;
    node(at).submit(request(kind, key, "v"), executor_.now() + seconds(20),
                    [&](const OperationResult& result) {
                      ++ended;
                      ++answers[result.error];
                    });
  }
  while (ended < 600 && executor_.run_one()) {
  }
  EXPECT_EQ(ended, 600);
  for (const auto& [error, count] : answers) {
    // Three nodes write the same keys at once, so some outcomes cannot be told; none may fail.
    EXPECT_TRUE(error == ErrorCode::ok || error == ErrorCode::not_found ||
                error == ErrorCode::outcome_unknown)
        << error_name(error) << " " << count;
  }
  EXPECT_GT(answers[ErrorCode::ok] + answers[ErrorCode::not_found], 500);
}

}  // namespace
}  // namespace grey::cluster
