// One replica of many registers: runs the acceptor over a storage engine. It keeps recently used
// states in memory, writes every change through the engine, and lets no answer leave before
// everything that the answer speaks of is on stable storage (register.md, rules 2 and 3; rule 16
// for records that fail their checksum: such a key gets no vote).
//
// Thread-safety: all methods and callbacks on the executor's thread.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "cluster/register/acceptor.h"
#include "storage/engine.h"
#include "transport/executor.h"

namespace grey::cluster {

struct ReplicaOptions {
  std::uint64_t epoch = 1;
  std::size_t cache_bytes_max = 64u << 20;  // key states kept in memory; more while being written
  /// Changes that the engine has not made durable yet; writes beyond it are answered overloaded.
  std::size_t uncommitted_bytes_max = 32u << 20;
  [[no_unique_address]] PlantedBugs bugs;
};

struct ReplicaCounters {
  std::uint64_t requests = 0;
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;
  std::uint64_t commits = 0;         // batches handed to the engine
  std::uint64_t changes = 0;         // register changes in them
  std::uint64_t faulty_records = 0;  // reads that failed a checksum
};

class Replica {
 public:
  using ReplyCallback = std::move_only_function<void(ReplicaReply)>;
  /// The engine failed in a way that forbids going on (a failed fsync, a full disk): the replica
  /// answers nothing any more.
  using FatalCallback = std::move_only_function<void(Error)>;

  Replica(const ReplicaOptions& options, transport::Executor& executor, storage::Engine& engine,
          FatalCallback on_fatal);
  ~Replica();

  /// Loads the range states; no request may come before `done`.
  void open(std::move_only_function<void(Status)> done);

  /// Answers `request` once that is safe; perhaps from inside the call. A request is answered once,
  /// or never if the replica has failed or is destroyed.
  void handle(const ReplicaRequest& request, ReplyCallback reply);

  /// All range states known, in order of their tokens.
  const std::map<RangeToken, RangeState>& ranges() const noexcept { return range_states_; }
  const ReplicaCounters& counters() const noexcept { return counters_; }
  std::size_t cached_bytes() const noexcept { return cached_bytes_; }
  void check_invariants() const;

 private:
  using BatchNumber = std::uint64_t;
  struct Waiting {
    ReplicaRequest request;
    ReplyCallback reply;
  };
  struct Entry {
    KeyName key;
    KeyState state;
    BatchNumber changed_in = 0;  // the last batch that carries a change of this key
    std::uint8_t loads_open = 0;
    ErrorCode load_error = ErrorCode::ok;  // why there is no state: the key gets no vote
    bool promise_stored = false;           // a promise record of its own is in the engine
    std::vector<Waiting> waiting;          // while loading
    std::list<Entry*>::iterator recency;
  };
  struct Gated {
    BatchNumber batch;
    ReplicaReply answer;
    ReplyCallback reply;
  };

  Entry& entry_of(const KeyName& key);
  void load(Entry& entry);
  void on_loaded(const Bytes& packed);
  bool overloaded_by(const ReplicaRequest& request) const noexcept;
  void refuse(ErrorCode error, ReplyCallback reply) const;
  void serve(Entry& entry, const ReplicaRequest& request, ReplyCallback reply);
  void serve_range(const ReplicaRequest& request, ReplyCallback reply);
  void write_promise(Entry& entry);
  void write_record(Entry& entry, bool created);
  BatchNumber join_batch();
  void gate(BatchNumber batch, ReplicaReply answer, ReplyCallback reply);
  void flush();
  void on_committed(BatchNumber batch, const Status& status);
  void fail_with(Error error);
  void touch(Entry& entry);
  void evict();
  static std::size_t size_of(const Entry& entry);

  ReplicaOptions options_;
  Acceptor acceptor_;
  transport::Executor& executor_;
  storage::Engine& engine_;
  FatalCallback on_fatal_;
  bool failed_ = false;
  std::size_t uncommitted_bytes_ = 0;
  // Callbacks that outlive the replica find this expired.
  std::shared_ptr<char> alive_ = std::make_shared<char>();

  std::map<RangeToken, RangeState> range_states_;
  std::map<RangeToken, BatchNumber> range_changed_in_;
  std::unordered_map<ByteView, std::unique_ptr<Entry>> entries_;  // keyed by Entry::key.packed
  std::list<Entry*> recency_;                                     // newest first
  std::size_t cached_bytes_ = 0;

  storage::WriteBatch open_batch_;
  bool flush_posted_ = false;
  BatchNumber open_number_ = 1;     // the batch being filled
  BatchNumber durable_number_ = 0;  // all up to here are on stable storage
  std::deque<Gated> gated_;         // in order of their batches
  ReplicaCounters counters_;
};

}  // namespace grey::cluster
