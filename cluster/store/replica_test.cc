#include "cluster/store/replica.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "cluster/register/record_codec.h"
#include "storage/memory/memory_engine.h"
#include "storage/testing/test_executor.h"

namespace grey::cluster {
namespace {

using std::chrono::milliseconds;

constexpr RangeToken range = 42;

Ballot at(std::uint64_t round, std::uint64_t sequence = 1) { return {1, round, 7, 1, sequence}; }

KeyName name_of(ByteView key) { return KeyName::make("t", key, 5); }

Record value_at(const Ballot& ballot, ByteView value) {
  Record record;
  record.ballot = ballot;
  record.kind = RecordKind::value;
  record.operation = {{1, 1}, ballot.round};
  record.value = SharedBytes::copy_of(value);
  return record;
}

class ReplicaTest : public testing::Test {
 protected:
  ~ReplicaTest() override { shut_down(); }

  void boot() {
    engine_ = std::make_unique<storage::MemoryEngine>(disk_, executor_);
    replica_ = std::make_unique<Replica>(options_, executor_, *engine_,
                                         [this](Error error) { fatal_.push_back(error.code); });
    Status opened = fail(ErrorCode::cancelled);
    replica_->open([&](Status status) { opened = std::move(status); });
    while (!opened && opened.error().code == ErrorCode::cancelled && executor_.run_one()) {
    }
    opened_ = opened ? ErrorCode::ok : opened.error().code;
  }
  void shut_down() {
    replica_.reset();
    engine_.reset();
  }
  void reboot() {
    shut_down();
    boot();
  }
  void crash() {
    disk_.crash(random_);
    reboot();
  }
  void run() { executor_.run_until_idle(); }

  struct Asked {
    std::optional<ReplicaReply> reply;
    int order = 0;
  };
  using Question = std::shared_ptr<Asked>;

  template <typename Body>
  Question ask(ByteView key, Body body) {
    auto asked = std::make_shared<Asked>();
    const bool for_range = std::is_same_v<Body, PrepareRangeRequest>;
    replica_->handle({1, range, for_range ? KeyName{} : name_of(key), std::move(body)},
                     [this, asked](ReplicaReply reply) {
                       EXPECT_FALSE(asked->reply.has_value());
                       asked->reply = std::move(reply);
                       asked->order = ++answers_;
                     });
    replica_->check_invariants();
    return asked;
  }
  Question prepare(ByteView key, const Ballot& b) { return ask(key, PrepareRequest{b}); }
  Question accept(ByteView key, const Ballot& b, ByteView value = "v") {
    return ask(key, AcceptRequest{value_at(b, value)});
  }
  Question read(ByteView key) { return ask(key, ReadRequest{}); }
  Question prepare_range(const Ballot& b) { return ask("", PrepareRangeRequest{b}); }

  ReplicaReply answer(const Question& asked) {
    run();
    replica_->check_invariants();
    EXPECT_TRUE(asked->reply.has_value());
    return asked->reply.value_or(ReplicaReply{});
  }
  std::optional<Bytes> stored(ByteView key) {
    std::optional<Bytes> found;
    engine_->get(key, nullptr, [&](auto result) { found = *std::move(result); });
    run();
    return found;
  }

  storage::TestExecutor executor_;
  Random random_{21};
  storage::MemoryDisk disk_{Random(22)};
  ReplicaOptions options_;
  std::unique_ptr<storage::MemoryEngine> engine_;
  std::unique_ptr<Replica> replica_;
  std::vector<ErrorCode> fatal_;
  ErrorCode opened_ = ErrorCode::ok;
  int answers_ = 0;
};

// ---- no answer before the sync ----------------------------------------------------------------

class ReplicaGating : public ReplicaTest {
 protected:
  ReplicaGating() {
    disk_.options().sync_latency_min = disk_.options().sync_latency_max = milliseconds(10);
    boot();
    for (const char* key : {"k", "other"}) answer(read(key));  // in memory from here
  }
  /// Everything that can happen before a sync has ended.
  void run_until_just_before_the_sync() {
    const std::uint64_t syncs = disk_.counters().syncs;
    while (disk_.counters().syncs == syncs) ASSERT_TRUE(executor_.run_one());
  }
};

TEST_F(ReplicaGating, APromiseIsAnsweredOnlyOnceItIsDurable) {
  const auto asked = prepare("k", at(1));
  run_until_just_before_the_sync();
  EXPECT_FALSE(asked->reply.has_value());
  EXPECT_TRUE(answer(asked).granted);
}

TEST_F(ReplicaGating, AnAcceptIsAnsweredOnlyOnceItIsDurable) {
  const auto asked = accept("k", at(1));
  run_until_just_before_the_sync();
  EXPECT_FALSE(asked->reply.has_value());
  EXPECT_TRUE(answer(asked).granted);
}

TEST_F(ReplicaGating, ARangePromiseIsAnsweredOnlyOnceItIsDurable) {
  const auto asked = prepare_range(at(1));
  run_until_just_before_the_sync();
  EXPECT_FALSE(asked->reply.has_value());
  EXPECT_TRUE(answer(asked).granted);
}

TEST_F(ReplicaGating, AReadOfWhatIsNotYetDurableWaitsForIt) {
  const auto accepted = accept("k", at(1), "new");
  const auto seen = read("k");
  run_until_just_before_the_sync();
  EXPECT_FALSE(seen->reply.has_value());
  EXPECT_EQ(answer(seen).record.value.view(), "new");
  EXPECT_LT(accepted->order, seen->order);
}

TEST_F(ReplicaGating, ARefusalThatNamesAPromiseWaitsForThatPromise) {
  prepare("k", at(5));
  const auto refused = prepare("k", at(4));
  const auto too_low = accept("k", at(4));
  run_until_just_before_the_sync();
  EXPECT_FALSE(refused->reply.has_value());
  EXPECT_FALSE(too_low->reply.has_value());
  EXPECT_FALSE(answer(refused).granted);
  EXPECT_FALSE(answer(too_low).granted);
}

TEST_F(ReplicaGating, AnAnswerThatNamesARangePromiseWaitsForIt) {
  prepare_range(at(5));
  const auto seen = read("k");
  run_until_just_before_the_sync();
  EXPECT_FALSE(seen->reply.has_value());
  EXPECT_EQ(answer(seen).range_promise, at(5));
}

TEST_F(ReplicaGating, AReadOfAnotherKeyDoesNotWait) {
  const auto accepted = accept("k", at(1));
  const auto seen = read("other");
  EXPECT_TRUE(seen->reply.has_value());
  EXPECT_FALSE(accepted->reply.has_value());
}

TEST_F(ReplicaGating, ARepeatedAcceptWaitsForTheFirstToBeDurable) {
  accept("k", at(1));
  const auto again = accept("k", at(1));
  run_until_just_before_the_sync();
  EXPECT_FALSE(again->reply.has_value());
  EXPECT_TRUE(answer(again).granted);
}

TEST_F(ReplicaGating, AnswersComeInTheOrderOfTheChangesTheySpeakOf) {
  const auto first = accept("k", at(1));
  run_until_just_before_the_sync();
  const auto second = accept("other", at(1));  // the next batch
  const auto about_first = read("k");          // asked later, but speaks of the first only
  EXPECT_TRUE(answer(second).granted);
  EXPECT_LT(first->order, about_first->order);
  EXPECT_LT(about_first->order, second->order);
}

TEST_F(ReplicaGating, OneTurnOfTheLoopIsOneCommit) {
  const std::uint64_t commits = replica_->counters().commits;
  for (int i = 0; i < 10; ++i) prepare("k", at(1, static_cast<std::uint64_t>(i) + 1));
  for (int i = 0; i < 10; ++i) accept("other", at(1, static_cast<std::uint64_t>(i) + 1));
  prepare_range(at(2));
  run();
  EXPECT_EQ(replica_->counters().commits, commits + 1);
  EXPECT_EQ(replica_->counters().changes, 21U);
}

TEST_F(ReplicaGating, AReplicaThatIsGoneAnswersNothing) {
  const auto asked = accept("k", at(1));
  run_until_just_before_the_sync();
  replica_.reset();
  run();
  EXPECT_FALSE(asked->reply.has_value());
}

// ---- what is stored ---------------------------------------------------------------------------

class ReplicaStore : public ReplicaTest {
 protected:
  ReplicaStore() { boot(); }
};

TEST_F(ReplicaStore, PromisesAndRecordsOutliveTheProcess) {
  answer(prepare("promised", at(3)));
  answer(accept("accepted", at(4), "value"));
  answer(prepare("both", at(6)));
  answer(accept("both", at(6)));
  answer(prepare("both", at(7)));
  answer(prepare_range(at(2)));
  crash();
  EXPECT_EQ(replica_->ranges().at(range).promised, at(2));
  EXPECT_FALSE(answer(prepare("promised", at(3))).granted);
  EXPECT_FALSE(answer(accept("promised", at(2))).granted);
  EXPECT_TRUE(answer(accept("promised", at(3))).granted);
  const ReplicaReply seen = answer(read("accepted"));
  EXPECT_EQ(seen.record.ballot, at(4));
  EXPECT_EQ(seen.record.value.view(), "value");
  EXPECT_EQ(seen.key_promise, at(4));  // accepting promises
  EXPECT_EQ(seen.range_promise, at(2));
  EXPECT_EQ(answer(read("both")).key_promise, at(7));
  EXPECT_FALSE(answer(accept("never seen", at(1))).granted);  // below the range's promise
}

TEST_F(ReplicaStore, AcceptingRemovesThePromiseThatItMakesSuperfluous) {
  answer(prepare("k", at(3)));
  EXPECT_TRUE(stored(promise_storage_key(name_of("k"))).has_value());
  answer(accept("k", at(3)));
  EXPECT_FALSE(stored(promise_storage_key(name_of("k"))).has_value());
  EXPECT_TRUE(stored(record_storage_key(name_of("k"))).has_value());
  EXPECT_TRUE(stored(index_storage_key(name_of("k"))).has_value());
  // The same from a promise found on the disk, and in one batch.
  answer(prepare("k", at(4)));
  reboot();
  answer(accept("k", at(4)));
  EXPECT_FALSE(stored(promise_storage_key(name_of("k"))).has_value());
  prepare("k", at(5));
  answer(accept("k", at(5)));
  EXPECT_FALSE(stored(promise_storage_key(name_of("k"))).has_value());
  reboot();
  EXPECT_EQ(answer(read("k")).key_promise, at(5));
}

TEST_F(ReplicaStore, RequestsThatComeWhileAKeyLoadsAreServedInOrder) {
  disk_.options().read_latency_min = disk_.options().read_latency_max = milliseconds(1);
  const auto first = prepare("k", at(2));
  const auto second = accept("k", at(2), "x");
  const auto third = read("k");
  EXPECT_FALSE(first->reply.has_value());
  EXPECT_EQ(answer(third).record.value.view(), "x");
  EXPECT_TRUE(first->reply->granted);
  EXPECT_TRUE(second->reply->granted);
  EXPECT_EQ(replica_->counters().cache_misses, 1U);
}

TEST_F(ReplicaStore, ATinyCacheForgetsOnlyWhatTheEngineHas) {
  options_.cache_bytes_max = 1;
  disk_.options().sync_latency_min = disk_.options().sync_latency_max = milliseconds(5);
  reboot();
  for (int i = 0; i < 50; ++i) {
    const Bytes key = "k" + std::to_string(i);
    accept(key, at(2), key);
    prepare(key, at(3));
  }
  for (int i = 0; i < 50; ++i) executor_.run_one();
  EXPECT_GT(replica_->cached_bytes(), 0U);  // nothing is durable yet, so everything stays
  run();
  EXPECT_EQ(replica_->cached_bytes(), 0U);
  for (int i = 0; i < 50; ++i) {
    const Bytes key = "k" + std::to_string(i);
    const ReplicaReply seen = answer(read(key));
    EXPECT_EQ(seen.record.value.view(), key);
    EXPECT_EQ(seen.key_promise, at(3));
  }
  EXPECT_EQ(replica_->counters().cache_hits, 50U);  // the promises, right behind the accepts
}

TEST_F(ReplicaStore, AnAnswerMayAskAgainFromInside) {
  options_.cache_bytes_max = 1;
  reboot();
  answer(accept("k", at(1), "old"));
  int depth = 0;
  std::function<void(ReplicaReply)> again = [&](const ReplicaReply&) {
    if (++depth > 6) return;
    for (const char* key : {"k", "other"}) {
      replica_->handle({1, range, name_of(key), ReadRequest{}}, again);
    }
  };
  for (int i = 0; i < 3; ++i) replica_->handle({1, range, name_of("k"), ReadRequest{}}, again);
  accept("other", at(2));
  run();
  replica_->check_invariants();
  EXPECT_GT(depth, 6);
}

TEST_F(ReplicaStore, AnAnswerMayEndTheReplica) {
  answer(accept("k", at(1)));
  replica_->handle({1, range, name_of("k"), ReadRequest{}},
                   [this](const ReplicaReply&) { replica_.reset(); });
  EXPECT_EQ(replica_, nullptr);
  run();
}

// ---- faults -----------------------------------------------------------------------------------

class ReplicaFaults : public ReplicaStore {};

TEST_F(ReplicaFaults, ARottenRecordGivesNoVoteAndNeverLooksAbsent) {
  for (int i = 0; i < 40; ++i) {
    const Bytes key = "k" + std::to_string(i);
    answer(accept(key, at(4), "value"));
    ASSERT_TRUE(disk_.rot_stored_bit(record_storage_key(name_of(key)), random_));
  }
  reboot();
  for (int i = 0; i < 40; ++i) {
    const Bytes key = "k" + std::to_string(i);
    for (const auto& asked : {read(key), prepare(key, at(9)), accept(key, at(9))}) {
      const ReplicaReply reply = answer(asked);
      EXPECT_EQ(reply.error, ErrorCode::storage_corrupt);
      EXPECT_FALSE(reply.granted);
    }
  }
  EXPECT_GE(replica_->counters().faulty_records, 40U);
}

TEST_F(ReplicaFaults, ARottenPromiseTakesTheVoteToo) {
  answer(accept("k", at(4)));
  answer(prepare("k", at(9)));
  ASSERT_TRUE(disk_.rot_stored_bit(promise_storage_key(name_of("k")), random_));
  reboot();
  EXPECT_EQ(answer(accept("k", at(5))).error, ErrorCode::storage_corrupt);
}

TEST_F(ReplicaFaults, AKeyReadWronglyOnceIsReadAnew) {
  answer(accept("k", at(4), "value"));
  reboot();
  disk_.options().bit_rot_chance = 1;
  EXPECT_EQ(answer(read("k")).error, ErrorCode::storage_corrupt);
  disk_.options().bit_rot_chance = 0;
  disk_.options().read_io_error_chance = 1;
  EXPECT_NE(answer(read("k")).error, ErrorCode::ok);
  disk_.options().read_io_error_chance = 0;
  EXPECT_EQ(answer(read("k")).record.value.view(), "value");
}

TEST_F(ReplicaFaults, ARottenRangeStateStopsTheReplicaFromOpening) {
  answer(prepare_range(at(4)));
  ASSERT_TRUE(disk_.rot_stored_bit(range_storage_key(range), random_));
  reboot();
  EXPECT_EQ(opened_, ErrorCode::storage_corrupt);
}

TEST_F(ReplicaFaults, AFailedSyncIsFatalAndFollowedBySilence) {
  answer(accept("k", at(1)));
  disk_.options().sync_failure_chance = 1;
  const auto lost = accept("k", at(2));
  const auto behind = read("k");
  run();
  EXPECT_EQ(fatal_, std::vector{ErrorCode::sync_failed});
  EXPECT_FALSE(lost->reply.has_value());
  EXPECT_FALSE(behind->reply.has_value());
  const auto after = read("k");
  prepare_range(at(9));
  run();
  EXPECT_FALSE(after->reply.has_value());
  EXPECT_EQ(fatal_.size(), 1U);
}

TEST_F(ReplicaFaults, AFullDiskIsFatalAndAnswersNothing) {
  disk_.options().commit_full_chance = 1;
  const auto lost = accept("k", at(2));
  run();
  EXPECT_EQ(fatal_, std::vector{ErrorCode::storage_full});
  EXPECT_FALSE(lost->reply.has_value());
}

// ---- at random --------------------------------------------------------------------------------

// Random requests on few keys, a cache that holds almost nothing, slow reads and syncs, writes that
// show before they are durable, and a power cut at any moment: what a reply has said stays true.
TEST(ReplicaAtRandom, NothingThatWasAnsweredIsForgotten) {
  std::uint64_t crashes = 0;
  std::uint64_t lost = 0;
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    storage::TestExecutor executor;
    storage::MemoryDisk disk(random.fork());
    disk.options().sync_latency_max = milliseconds(3);
    disk.options().read_latency_max = milliseconds(2);
    disk.options().early_visibility_chance = 0.3;
    struct Known {
      Ballot promised;
      Ballot accepted;
    };
    std::map<Bytes, Known> known;  // what replies have said
    Ballot range_known;
    const auto learn = [&](const Bytes& key, const ReplicaReply& reply) {
      ASSERT_EQ(reply.error, ErrorCode::ok);
      ASSERT_GE(reply.range_promise, range_known);
      range_known = reply.range_promise;
      if (key.empty()) return;
      Known& k = known[key];
      ASSERT_GE(reply.key_promise, k.promised);
      k.promised = reply.key_promise;
      if (!reply.value_included) return;
      ASSERT_GE(reply.record.ballot, k.accepted);
      k.accepted = reply.record.ballot;
      ASSERT_TRUE(!reply.record.has_value() ||
                  reply.record.value.view() == reply.record.ballot.to_string());
    };
    for (int life = 0; life < 6; ++life) {
      storage::MemoryEngine engine(disk, executor);
      ReplicaOptions options;
      options.cache_bytes_max = 600;
      Replica replica(options, executor, engine, [](const Error&) { FAIL(); });
      bool open = false;
      replica.open([&](Status status) { open = status.has_value(); });
      while (!open) ASSERT_TRUE(executor.run_one());
      for (std::uint64_t step = random.between(5, 120); step > 0; --step) {
        if (random.chance(0.6)) {
          executor.run_one();
        } else {
          const Bytes key = "k" + std::to_string(random.below(6));
          const Ballot b = at(random.between(1, 30), random.between(1, 3));
          ReplicaRequest request{1, range, name_of(key), ReadRequest{}};
          Bytes about = key;
          switch (random.below(4)) {
            case 0:
              request.body = PrepareRequest{b};
              break;
            case 1:
              request.body = AcceptRequest{value_at(b, b.to_string())};
              break;
            case 2:
              if (random.chance(0.2)) {
                request.body = PrepareRangeRequest{b};
                about.clear();
              }
              break;
            default:
              break;
          }
          replica.handle(request, [&learn, about](const ReplicaReply& r) { learn(about, r); });
        }
        replica.check_invariants();
      }
      disk.crash(random);
      ++crashes;
    }
    lost += disk.counters().lost_batches;
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(crashes, 500U);
  EXPECT_GT(lost, 100U);  // the crashes did hit unsynced writes
}

// ---- more than the disk can take --------------------------------------------------------------

TEST_F(ReplicaTest, ChangesBeyondTheLimitAreAnsweredOverloadedAndReadsAreNot) {
  options_.uncommitted_bytes_max = 2000;
  boot();
  for (int i = 0; i < 40; ++i) answer(read("k" + std::to_string(i)));  // in memory from here
  std::vector<Question> asked;
  for (int i = 0; i < 40; ++i) {  // in one turn: nothing has been handed to the engine yet
    asked.push_back(accept("k" + std::to_string(i), at(1), "some value"));
  }
  const auto read_meanwhile = read("k39");
  EXPECT_TRUE(read_meanwhile->reply.has_value());
  EXPECT_TRUE(asked.back()->reply.has_value());  // refused at once
  int granted = 0;
  for (const Question& one : asked) {
    const ReplicaReply reply = answer(one);
    granted += reply.granted ? 1 : 0;
    EXPECT_EQ(reply.error, reply.granted ? ErrorCode::ok : ErrorCode::overloaded);
  }
  EXPECT_GT(granted, 0);
  EXPECT_LT(granted, 40);
  EXPECT_TRUE(answer(accept("k39", at(1))).granted);
  EXPECT_TRUE(fatal_.empty());
}

}  // namespace
}  // namespace grey::cluster
