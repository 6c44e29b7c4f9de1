// The coordinator: key order, time limits, what it refuses, and runs at random.
#include "cluster/register/coordinator.h"

#include <gtest/gtest.h>

#include <set>

#include "cluster/register/testing/scripted_cluster.h"

namespace grey::cluster {
namespace {

constexpr NodeId outsider = 11;  // holds no replica

class CoordinatorTest : public ::testing::Test {
 protected:
  CoordinatorTest() { cluster_.add_coordinator(outsider); }
  ScriptedCluster cluster_;
};

// ---- one write of a key at a time (rule 9) ----------------------------------------------------

TEST_F(CoordinatorTest, WritesOfAKeyTakeTurnsInTheirOrder) {
  const OperationHandle first = cluster_.start(outsider, ScriptedCluster::put(1, "1"));
  const OperationHandle second = cluster_.start(outsider, ScriptedCluster::put(2, "2"));
  const OperationHandle third = cluster_.start(outsider, ScriptedCluster::cas(3, "2", "3"));
  EXPECT_TRUE(cluster_.has_sent(first));
  EXPECT_FALSE(cluster_.has_sent(second));
  cluster_.run_to_end(first, {1, 2, 3});
  EXPECT_TRUE(cluster_.has_sent(second));
  EXPECT_FALSE(cluster_.has_sent(third));
  cluster_.run_to_end(second, {1, 2, 3});
  cluster_.run_to_end(third, {1, 2, 3});
  EXPECT_EQ(cluster_.error(third), ErrorCode::ok);
}

TEST_F(CoordinatorTest, OtherKeysAndReadsDoNotWait) {
  cluster_.start(outsider, ScriptedCluster::put(1, "1"));
  const OperationHandle other =
      cluster_.start(outsider, ScriptedCluster::on_key(ScriptedCluster::put(2, "2"), "other"));
  const OperationHandle read = cluster_.start(outsider, ScriptedCluster::get());
  EXPECT_TRUE(cluster_.has_sent(other));
  EXPECT_TRUE(cluster_.has_sent(read));
}

TEST_F(CoordinatorTest, AWriteThatWaitedGoesAboveTheRoundsUsedMeanwhile) {
  const OperationHandle first = cluster_.start(outsider, ScriptedCluster::put(1, "1"));
  const OperationHandle second = cluster_.start(outsider, ScriptedCluster::put(2, "2"));
  for (const NodeId id : ScriptedCluster::replica_ids) {
    cluster_.replica(id).range.promised = {1, 50, 5, 1, 1};
  }
  cluster_.run_to_end(first, {1, 2, 3});
  cluster_.exchange(second, {1, 2});
  EXPECT_TRUE(cluster_.latest(second, 1).is<AcceptRequest>());  // its first PREPARE was granted
}

TEST_F(CoordinatorTest, AWaitingWriteExpiresUnsentAndLeavesTheQueue) {
  const OperationHandle first = cluster_.start(outsider, ScriptedCluster::put(1, "1"));
  const OperationHandle second =
      cluster_.start(outsider, ScriptedCluster::put(2, "2"), std::chrono::milliseconds(10));
  const OperationHandle third = cluster_.start(outsider, ScriptedCluster::put(3, "3"));
  cluster_.advance(std::chrono::milliseconds(10));
  ASSERT_TRUE(cluster_.finished(second));
  EXPECT_EQ(cluster_.error(second), ErrorCode::deadline_exceeded);
  cluster_.run_to_end(first, {1, 2, 3});
  EXPECT_TRUE(cluster_.has_sent(third));
}

TEST_F(CoordinatorTest, AReadWithoutAMajorityAsksLessAndLessOften) {
  const OperationHandle read =
      cluster_.start(outsider, ScriptedCluster::get(), std::chrono::seconds(2));
  std::size_t rounds = 0;
  for (int i = 0; i < 2000 && !cluster_.finished(read); ++i) {
    const std::size_t before = cluster_.sent_count();
    for (const NodeId id : ScriptedCluster::replica_ids) cluster_.refuse(cluster_.latest(read, id));
    cluster_.advance(std::chrono::milliseconds(1));
    if (cluster_.sent_count() > before) ++rounds;
  }
  ASSERT_TRUE(cluster_.finished(read));
  EXPECT_EQ(cluster_.error(read), ErrorCode::no_quorum);
  EXPECT_GT(rounds, 5u);
  EXPECT_LT(rounds, 40u);  // 2, 4, 8 ... 100 ms apart
}

TEST_F(CoordinatorTest, TimersOfWhatHasEndedAreDropped) {
  for (int i = 0; i < 100'000; ++i) {
    cluster_.run_to_end(cluster_.start(outsider, ScriptedCluster::get()), {1, 2, 3});
    cluster_.forget_messages();
  }
  EXPECT_LT(cluster_.coordinator(outsider).timers_kept(), 5000u);
}

TEST_F(CoordinatorTest, AnExpiredWriteLetsTheNextOneGo) {
  const OperationHandle first =
      cluster_.start(outsider, ScriptedCluster::put(1, "1"), std::chrono::milliseconds(10));
  const OperationHandle second = cluster_.start(outsider, ScriptedCluster::put(2, "2"));
  cluster_.advance(std::chrono::milliseconds(10));
  EXPECT_TRUE(cluster_.finished(first));
  EXPECT_TRUE(cluster_.has_sent(second));
}

TEST_F(CoordinatorTest, TheQueueOfAKeyIsBounded) {
  ScriptedCluster cluster;
  CoordinatorOptions options;
  options.queue_per_key_max = 2;
  cluster.add_coordinator(outsider, options);
  cluster.start(outsider, ScriptedCluster::put(1, "1"));
  cluster.start(outsider, ScriptedCluster::put(2, "2"));
  cluster.start(outsider, ScriptedCluster::put(3, "3"));
  const OperationHandle refused = cluster.start(outsider, ScriptedCluster::put(4, "4"));
  ASSERT_TRUE(cluster.finished(refused));
  EXPECT_EQ(cluster.error(refused), ErrorCode::overloaded);
  EXPECT_EQ(cluster.coordinator(outsider).in_flight(), 3U);
}

// ---- time -------------------------------------------------------------------------------------

TEST_F(CoordinatorTest, EndsEveryOperationAtItsDeadlineWithAnHonestAnswer) {
  const auto limit = std::chrono::milliseconds(100);
  const OperationHandle silent = cluster_.start(outsider, ScriptedCluster::get(), limit);
  const OperationHandle put = cluster_.start(outsider, ScriptedCluster::put(1, "1"), limit);
  cluster_.exchange(put, {1, 2});
  EXPECT_LE(cluster_.coordinator(outsider).next_deadline(), cluster_.now() + limit);
  cluster_.advance(limit - std::chrono::nanoseconds(1));
  EXPECT_FALSE(cluster_.finished(silent));
  cluster_.advance(std::chrono::nanoseconds(1));
  EXPECT_EQ(cluster_.error(silent), ErrorCode::no_quorum);
  EXPECT_EQ(cluster_.error(put), ErrorCode::outcome_unknown);
  EXPECT_EQ(cluster_.coordinator(outsider).counters().unknown, 1U);
  EXPECT_EQ(cluster_.coordinator(outsider).in_flight(), 0U);
}

TEST_F(CoordinatorTest, AStepThatIsNotAnsweredIsFollowedByAnother) {
  const OperationHandle put = cluster_.start(outsider, ScriptedCluster::put(1, "1"));
  const auto before = cluster_.latest(put, 1);
  cluster_.wait_out_step();
  const auto after = cluster_.latest(put, 1);
  ASSERT_TRUE(after.is<PrepareRequest>());
  EXPECT_GT(std::get<PrepareRequest>(after.request.body).ballot,
            std::get<PrepareRequest>(before.request.body).ballot);
}

TEST_F(CoordinatorTest, AnswersToAnEarlierStepAreDropped) {
  const OperationHandle put = cluster_.start(outsider, ScriptedCluster::put(1, "1"));
  const auto prepare = cluster_.latest(put, 3);
  const ReplicaReply promise = cluster_.deliver(prepare);
  cluster_.exchange(put, {1, 2});
  ASSERT_TRUE(cluster_.latest(put, 3).is<AcceptRequest>());
  cluster_.exchange(put, {1});
  cluster_.answer(prepare, promise);  // a grant, but of the PREPARE
  EXPECT_FALSE(cluster_.finished(put));
  cluster_.exchange(put, {3});
  EXPECT_EQ(cluster_.error(put), ErrorCode::ok);
}

TEST_F(CoordinatorTest, RepeatedAnswersCountOnce) {
  const OperationHandle put = cluster_.start(outsider, ScriptedCluster::put(1, "1"));
  cluster_.exchange(put, {1, 2});
  for (int i = 0; i < 3; ++i) cluster_.exchange(put, {1});
  EXPECT_FALSE(cluster_.finished(put));
  cluster_.exchange(put, {2});
  EXPECT_TRUE(cluster_.finished(put));
  cluster_.exchange(put, {1, 2, 3});  // answers to what is over
}

TEST_F(CoordinatorTest, AnAnswerOfANodeThatIsNoReplicaIsIgnored) {
  const OperationHandle put = cluster_.start(outsider, ScriptedCluster::put(1, "1"));
  auto message = cluster_.latest(put, 1);
  const ReplicaReply promise = cluster_.deliver(message);
  for (const NodeId stranger : {7u, 8u}) {
    message.replica = stranger;
    cluster_.answer(message, promise);
  }
  EXPECT_TRUE(cluster_.latest(put, 1).is<PrepareRequest>());
}

// ---- reads ------------------------------------------------------------------------------------

TEST_F(CoordinatorTest, AReadWaitsOnlyShortlyForAStragglerOnceAMajorityDisagrees) {
  const OperationHandle put = cluster_.start(outsider, ScriptedCluster::put(1, "1"));
  cluster_.exchange(put, {1, 2});
  cluster_.deliver(cluster_.latest(put, 1));
  const OperationHandle read = cluster_.start(outsider, ScriptedCluster::get());
  cluster_.exchange(read, {1, 2});
  EXPECT_LE(cluster_.coordinator(outsider).next_deadline(),
            cluster_.now() + CoordinatorOptions{}.settle_time);
  const std::uint64_t rounds = cluster_.coordinator(outsider).counters().read_rounds;
  cluster_.advance(CoordinatorOptions{}.settle_time);
  EXPECT_EQ(cluster_.coordinator(outsider).counters().read_rounds, rounds + 1);
}

TEST_F(CoordinatorTest, OneReplicaSendsTheValueAndTheOthersADigest) {
  const OperationHandle read = cluster_.start(outsider, ScriptedCluster::get());
  int values = 0;
  for (const NodeId id : ScriptedCluster::replica_ids) {
    const auto message = cluster_.latest(read, id);
    values += std::get<ReadRequest>(message.request.body).want_value ? 1 : 0;
  }
  EXPECT_EQ(values, 1);
}

// ---- what is refused --------------------------------------------------------------------------

class CoordinatorRefuses : public CoordinatorTest {
 protected:
  ErrorCode answer(OperationRequest r, MonotonicTime now = {}) {
    class Quiet final : public CoordinatorEnvironment {
     public:
      void send(NodeId, const RequestId&, const ReplicaRequest&) override { ++sent; }
      void finish(OperationHandle, OperationResult result) override { error = result.error; }
      bool reachable(NodeId) const override { return true; }
      int sent = 0;
      ErrorCode error = ErrorCode::ok;
    } environment;
    CoordinatorOptions options;
    options.epoch = 3;
    options.self = outsider;
    Coordinator coordinator(options, Random(1), environment);
    coordinator.start(1, std::move(r), now + std::chrono::seconds(1), now);
    EXPECT_EQ(environment.error == ErrorCode::ok, environment.sent > 0);
    coordinator.check_invariants();
    return environment.error;
  }
  static OperationRequest put() {
    OperationRequest r = ScriptedCluster::put(1, "1");
    r.window = {3, {}, 10};
    return r;
  }
};

TEST_F(CoordinatorRefuses, AWindowOfAnotherEpoch) {
  EXPECT_EQ(answer(put()), ErrorCode::ok);
  for (const std::uint64_t epoch : {2u, 4u}) {
    OperationRequest r = put();
    r.window.epoch = epoch;
    EXPECT_EQ(answer(r), ErrorCode::wrong_epoch);
    r.kind = OperationKind::resolve;
    EXPECT_EQ(answer(r), ErrorCode::wrong_epoch);
  }
}

TEST_F(CoordinatorRefuses, AWindowThatNoClientCanHave) {
  OperationRequest top = put();
  top.kind = OperationKind::resolve;
  top.window.round_high = ~std::uint64_t{0};  // nobody could prepare above it
  EXPECT_EQ(answer(top), ErrorCode::bad_request);
  OperationRequest low = put();
  low.window.low.round = ~std::uint64_t{0};
  EXPECT_EQ(answer(low), ErrorCode::bad_request);
  OperationRequest later = put();
  later.window.low.epoch = 4;
  EXPECT_EQ(answer(later), ErrorCode::bad_request);
}

TEST_F(CoordinatorRefuses, AWriteWithoutAName) {
  OperationRequest r = put();
  r.id = {};
  EXPECT_EQ(answer(r), ErrorCode::bad_request);
}

// ---- at random --------------------------------------------------------------------------------

/// Clients that read the key and replace what they found by something never written before;
/// messages delivered in any order, twice or never; replicas that crash; three possible homes. No
/// value may be replaced by two acknowledged CASes, and what was acknowledged must have been there.
class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed) : random_(seed) {
    for (const NodeId node : {1u, 2u, 3u, outsider}) cluster_.add_coordinator(node);
  }
  void run() {
    for (int step = 0; step < 1500; ++step) {
      collect();
      const std::uint64_t dice = random_.below(100);
      if (dice < 6 && running_.size() < 4) {
        start_something();
      } else if (dice < 80) {
        move_a_message();
      } else if (dice < 96) {
        cluster_.advance(random_.between(Duration(0), Duration(std::chrono::milliseconds(60))));
      } else if (dice < 98) {
        cluster_.crash(static_cast<NodeId>(random_.between(1, 3)));
      } else {
        cluster_.set_reachable(static_cast<NodeId>(random_.between(1, 3)), random_.chance(0.5));
      }
    }
  }
  std::size_t applied() const { return replaced_.size(); }

 private:
  struct Running {
    OperationHandle handle;
    std::optional<Bytes> expected;  // CAS
    bool is_cas;
  };

  void start_something() {
    const auto node = static_cast<NodeId>(random_.chance(0.2) ? outsider : random_.between(1, 3));
    const Duration limit = random_.between(Duration(std::chrono::milliseconds(100)),
                                           Duration(std::chrono::seconds(4)));
    if (random_.chance(0.4)) {
      running_.push_back({cluster_.start(node, ScriptedCluster::get(), limit), {}, false});
      return;
    }
    const std::uint64_t id = ++ids_;
    std::optional<ByteView> expected;
    if (seen_) expected = *seen_;
    OperationRequest cas = ScriptedCluster::cas(id, expected, "v" + std::to_string(id));
    cas.window.round_high = cluster_.coordinator(node).highest_round() + 40;
    running_.push_back({cluster_.start(node, std::move(cas), limit), seen_, true});
  }
  void move_a_message() {
    for (; taken_ < cluster_.sent_count(); ++taken_) in_flight_.push_back(taken_);
    if (in_flight_.empty()) return;
    // Mostly the newer ones, so that operations get somewhere; now and then something ancient.
    const std::size_t span =
        random_.chance(0.9) ? std::min<std::size_t>(in_flight_.size(), 9) : in_flight_.size();
    const std::size_t at = in_flight_.size() - 1 - random_.below(span);
    const ScriptedCluster::Message message = cluster_.sent()[in_flight_[at]];
    if (!random_.chance(0.1)) in_flight_.erase(in_flight_.begin() + static_cast<long>(at));
    if (random_.chance(0.05)) return;  // lost
    const ReplicaReply reply = cluster_.deliver(message);
    if (!random_.chance(0.05)) cluster_.answer(message, reply);
  }
  void collect() {
    std::erase_if(running_, [this](const Running& r) {
      if (!cluster_.finished(r.handle)) return false;
      const OperationResult& result = cluster_.result(r.handle);
      const bool told = result.error == ErrorCode::ok || result.error == ErrorCode::not_found ||
                        result.error == ErrorCode::precondition_failed;
      if (!told) return true;
      if (r.is_cas && result.error == ErrorCode::ok) {
        EXPECT_TRUE(replaced_.insert(r.expected.value_or("")).second)
            << "two replaced '" << r.expected.value_or("") << "'";
      }
      seen_.reset();
      if (result.record.has_value()) seen_ = Bytes(result.record.value.view());
      return true;
    });
  }

  Random random_;
  ScriptedCluster cluster_;
  std::vector<Running> running_;
  std::vector<std::size_t> in_flight_;
  std::size_t taken_ = 0;
  std::optional<Bytes> seen_;
  std::set<Bytes> replaced_;
  std::uint64_t ids_ = 0;
};

TEST(CoordinatorAtRandom, NoValueIsReplacedTwice) {
  std::size_t applied = 0;
  for (std::uint64_t seed = 1; seed <= 300 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRun run(seed);
    run.run();
    applied += run.applied();
  }
  EXPECT_GT(applied, 1000U);  // the runs do get somewhere
}

}  // namespace
}  // namespace grey::cluster
