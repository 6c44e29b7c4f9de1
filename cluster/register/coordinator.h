// The coordinator: runs operations on any key of the cluster, holds the home promises of ranges,
// and serialises its writes per key. Pure: messages, answers and times go through its environment;
// the node and the simulator drive the same object.
//
// Thread-safety: none; one thread drives it. Environment methods must not call back into it.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "cluster/register/home.h"
#include "cluster/register/messages.h"
#include "cluster/register/operation.h"

namespace grey::cluster {

/// Names an operation at its coordinator; chosen by whoever starts it, never 0.
using OperationHandle = std::uint64_t;

/// Names a message, so that its answer finds its step; answers of earlier steps are dropped.
struct RequestId {
  std::uint64_t operation = 0;  // an operation, or a range if `for_range`
  std::uint32_t step = 0;
  bool for_range = false;
  friend auto operator<=>(const RequestId&, const RequestId&) = default;
};

class CoordinatorEnvironment {
 public:
  virtual ~CoordinatorEnvironment() = default;
  /// Sends `request` to a replica (perhaps this node). At most one answer is used.
  virtual void send(NodeId to, const RequestId& id, const ReplicaRequest& request) = 0;
  /// The operation is over; called exactly once for each.
  virtual void finish(OperationHandle handle, OperationResult result) = 0;
  /// Whether messages to the node are worth sending, as far as is known; never decides what is
  /// committed.
  virtual bool reachable(NodeId node) const = 0;
};

struct CoordinatorOptions {
  std::uint64_t epoch = 1;
  NodeId self = 0;
  std::uint64_t incarnation = 0;
  Duration step_timeout = std::chrono::seconds(1);           // a round without enough answers
  Duration settle_time = std::chrono::milliseconds(20);      // for stragglers behind a majority
  Duration read_retry_delay = std::chrono::milliseconds(2);  // doubles without a majority
  Duration read_retry_delay_max = std::chrono::milliseconds(100);
  Duration contention_delay_max = std::chrono::milliseconds(40);
  Duration acquire_timeout = std::chrono::milliseconds(400);
  Duration repromise_interval = std::chrono::seconds(1);
  Duration lost_promise_delay_max = std::chrono::milliseconds(200);
  std::size_t queue_per_key_max = 4096;
  std::size_t marks_max = 65536;
  std::size_t cached_writes_max = 100'000;
  std::size_t cached_bytes_max = 16u << 20;
  bool use_home = true;  // false: every write prepares its own ballot
  [[no_unique_address]] PlantedBugs bugs;
};

struct CoordinatorCounters {
  std::uint64_t started = 0;
  std::uint64_t finished = 0;
  std::uint64_t fast_writes = 0;  // applied in one round
  std::uint64_t prepares = 0;
  std::uint64_t read_rounds = 0;
  std::uint64_t range_promises = 0;  // acquired
  std::uint64_t range_promises_lost = 0;
  std::uint64_t unknown = 0;
};

class Coordinator final : private BallotSource {
 public:
  Coordinator(const CoordinatorOptions& options, Random random,
              CoordinatorEnvironment& environment);
  ~Coordinator() override;

  /// Starts an operation under a handle that the caller has not used before; finish() reports its
  /// end by `deadline` at the latest, perhaps from inside this call.
  void start(OperationHandle handle, OperationRequest request, MonotonicTime deadline,
             MonotonicTime now);
  void on_reply(NodeId from, const RequestId& id, const ReplicaReply& reply, MonotonicTime now);
  /// No answer will come (the connection is gone, the deadline of the call has passed).
  void on_no_reply(NodeId from, const RequestId& id, MonotonicTime now);
  /// Runs what is due; to be called at next_deadline().
  void tick(MonotonicTime now);
  MonotonicTime next_deadline() const;

  /// Tells of a round in use (from the local replica's stored promise at start).
  void note_range_round(RangeToken range, std::uint64_t round);
  /// Tells of a promise that this node's own replica has given. One to somebody else ends what is
  /// held here: a write under it would be refused, and its outcome perhaps never known.
  void note_range_promise(RangeToken range, const Ballot& promise, MonotonicTime now);
  /// Tells that another coordinator has brought a ballot for a key to this node's own replica: a
  /// write of the key under a promise below it would be refused, too (rule 18).
  void note_foreign_ballot(RangeToken range, ByteView key, const Ballot& ballot);
  /// The highest round that this coordinator knows of anywhere, for clients' first windows.
  std::uint64_t highest_round() const noexcept { return highest_round_; }
  std::size_t in_flight() const noexcept { return operations_.size(); }
  const CoordinatorCounters& counters() const noexcept { return counters_; }
  /// Whether this node holds the promise of the range.
  bool is_home(RangeToken range) const;
  std::size_t homes_held() const;
  /// Timers in memory, those of ended operations included.
  std::size_t timers_kept() const noexcept { return timers_.size(); }

  /// What must hold after every call; aborts if it does not. Linear in what is in flight.
  void check_invariants() const;

 private:
  struct Running {
    Operation operation;
    MonotonicTime deadline;
    MonotonicTime due;  // of the current step
    std::uint32_t step = 0;
    bool serialised = false;  // holds its key
  };
  struct KeyQueue {
    OperationHandle active = 0;
    std::deque<OperationHandle> waiting;
  };
  struct Timer {
    MonotonicTime at;
    std::uint64_t target;  // operation, or range
    bool for_range;
    // The earliest comes first; all else only makes the order one that is defined.
    friend bool operator<(const Timer& a, const Timer& b) {
      return std::tie(a.at, a.target, a.for_range) > std::tie(b.at, b.target, b.for_range);
    }
  };

  Ballot mint(std::uint64_t round) override;
  std::uint64_t epoch() const override { return options_.epoch; }

  void run_ready(MonotonicTime now);
  void run_write(OperationHandle handle, Running& running, MonotonicTime now);
  Step first_step_at_home(Operation& operation, const HomeRange& home);
  void execute(OperationHandle handle, Running& running, Step step, MonotonicTime now);
  void send_step(OperationHandle handle, Running& running, const Step& step, MonotonicTime now);
  void end(OperationHandle handle, OperationResult result, MonotonicTime now);
  void after_write(const Running& running, const OperationResult& result);
  void release_key(const KeyName& key);
  Duration wait_of(const Step& step);

  HomeRange& range_of(const Placement& placement);
  bool may_acquire(const HomeRange& home, MonotonicTime now) const;
  void acquire(RangeToken token, HomeRange& home, MonotonicTime now);
  void on_range_vote(RangeToken token, HomeRange& home, std::size_t replica,
                     const ReplicaReply* reply, MonotonicTime now);
  void settle_range(RangeToken token, HomeRange& home, bool held, MonotonicTime now);
  void note_promise(HomeRange& home, const Ballot& promise, MonotonicTime now);
  void renew_marks();
  void set_timer(const Timer& timer);

  CoordinatorOptions options_;
  Random random_;
  CoordinatorEnvironment& environment_;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t highest_round_ = 0;
  std::unordered_map<OperationHandle, std::unique_ptr<Running>> operations_;
  std::unordered_map<Bytes, KeyQueue> keys_;
  std::map<RangeToken, HomeRange> ranges_;
  HomeKeys home_keys_;
  std::priority_queue<Timer> timers_;
  CoordinatorCounters counters_;
  std::deque<OperationHandle> ready_;  // writes whose turn has come; run before a call returns
};

}  // namespace grey::cluster
