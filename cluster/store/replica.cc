#include "cluster/store/replica.h"

#include <utility>

#include "base/check.h"
#include "cluster/register/record_codec.h"
#include "storage/record_frame.h"

namespace grey::cluster {

namespace {

constexpr std::uint16_t format_version = 1;  // of records, promises and range states
constexpr std::size_t room = storage::record_frame_bytes;

Bytes seal(ByteView key, Bytes record) {
  storage::seal_record_in_place(format_version, key, record);
  return record;
}

Result<ByteView> unseal(ByteView key, ByteView stored) {
  const auto opened = storage::open_record(key, stored, format_version);
  if (!opened) return std::unexpected(opened.error());
  return opened->payload;
}

}  // namespace

Replica::Replica(const ReplicaOptions& options, transport::Executor& executor,
                 storage::Engine& engine, FatalCallback on_fatal)
    : options_(options),
      acceptor_(options.epoch, options.bugs),
      executor_(executor),
      engine_(engine),
      on_fatal_(std::move(on_fatal)) {}

Replica::~Replica() = default;

void Replica::open(std::move_only_function<void(Status)> done) {
  auto [first, last] = range_storage_bounds();
  // The topology bounds the number of ranges (1,024 nodes of 1,024 points), so one page holds them.
  constexpr std::size_t entries_max = 1u << 20;
  engine_.scan(first, last, entries_max, std::size_t{1} << 30, nullptr,
               [this, alive = std::weak_ptr(alive_),
                done = std::move(done)](Result<storage::ScanPage> page) mutable {
                 if (alive.expired()) return;
                 if (!page) return done(std::unexpected(page.error()));
                 for (const storage::KeyValue& stored : page->entries) {
                   const auto token = parse_range_storage_key(stored.key);
                   if (!token) return done(std::unexpected(token.error()));
                   const auto payload = unseal(stored.key, stored.value);
                   if (!payload) return done(std::unexpected(payload.error()));
                   const auto state = decode_range_state(*payload);
                   if (!state) return done(std::unexpected(state.error()));
                   range_states_[*token] = *state;
                 }
                 done({});
               });
}

void Replica::handle(const ReplicaRequest& request, ReplyCallback reply) {
  if (failed_) return;
  ++counters_.requests;
  if (overloaded_by(request)) return refuse(ErrorCode::overloaded, std::move(reply));
  if (std::holds_alternative<PrepareRangeRequest>(request.body)) {
    return serve_range(request, std::move(reply));
  }
  Entry& entry = entry_of(request.key);
  if (entry.loads_open > 0) {
    entry.waiting.push_back({request, std::move(reply)});
    return;
  }
  serve(entry, request, std::move(reply));
}

bool Replica::overloaded_by(const ReplicaRequest& request) const noexcept {
  return uncommitted_bytes_ + open_batch_.size_bytes() > options_.uncommitted_bytes_max &&
         !std::holds_alternative<ReadRequest>(request.body);
}

void Replica::refuse(ErrorCode error, ReplyCallback reply) const {
  ReplicaReply answer;
  answer.error = error;
  answer.epoch = options_.epoch;
  reply(std::move(answer));
}

// ---- serving ----------------------------------------------------------------------------------

void Replica::serve(Entry& entry, const ReplicaRequest& request, ReplyCallback reply) {
  // Rule 16: a record that fails its checksum has lost its promise too, so the key gets no vote.
  if (entry.load_error != ErrorCode::ok) return refuse(entry.load_error, std::move(reply));
  const RangeState& range = range_states_[request.range];
  const bool existed = entry.state.accepted.kind != RecordKind::absent;
  const std::size_t size_before = size_of(entry);
  AcceptorOutcome outcome = acceptor_.on_key_request(request, range, entry.state);
  switch (outcome.change) {
    case AcceptorChange::none:
      break;
    case AcceptorChange::key_promise:
      write_promise(entry);
      break;
    case AcceptorChange::key_record:
      write_record(entry, !existed);
      break;
    case AcceptorChange::range:
      GREY_CHECK(false);
  }
  cached_bytes_ += size_of(entry) - size_before;
  const BatchNumber batch = std::max(entry.changed_in, range_changed_in_[request.range]);
  evict();
  // Last, because whoever is answered may ask again from inside, or end this replica.
  gate(batch, std::move(outcome.reply), std::move(reply));
}

void Replica::serve_range(const ReplicaRequest& request, ReplyCallback reply) {
  RangeState& range = range_states_[request.range];
  AcceptorOutcome outcome = acceptor_.on_range_request(request, range);
  if (outcome.change == AcceptorChange::range) {
    Bytes key = range_storage_key(request.range);
    Bytes value = seal(key, encode_range_state(range, room));
    open_batch_.put(std::move(key), std::move(value));
    range_changed_in_[request.range] = join_batch();
  }
  gate(range_changed_in_[request.range], std::move(outcome.reply), std::move(reply));
}

void Replica::write_promise(Entry& entry) {
  Bytes key = promise_storage_key(entry.key);
  Bytes value = seal(key, encode_promise(entry.state.promised, room));
  open_batch_.put(std::move(key), std::move(value));
  entry.promise_stored = true;
  entry.changed_in = join_batch();
}

void Replica::write_record(Entry& entry, bool created) {
  Bytes key = record_storage_key(entry.key);
  Bytes value = seal(key, encode_record(entry.state.accepted, room));
  open_batch_.put(std::move(key), std::move(value));
  if (created) open_batch_.put(index_storage_key(entry.key), {});
  // Accepting promised the same ballot, so a promise record of its own has nothing more to say.
  if (std::exchange(entry.promise_stored, false)) {
    open_batch_.remove(promise_storage_key(entry.key));
  }
  entry.changed_in = join_batch();
}

// ---- batches ----------------------------------------------------------------------------------

// All changes of one turn of the loop share a batch; the engine makes many batches share a sync.
Replica::BatchNumber Replica::join_batch() {
  ++counters_.changes;
  if (!flush_posted_) {
    flush_posted_ = true;
    executor_.post([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) flush();
    });
  }
  return open_number_;
}

void Replica::flush() {
  flush_posted_ = false;
  if (failed_) return;
  ++counters_.commits;
  const BatchNumber number = open_number_++;
  const std::size_t bytes = open_batch_.size_bytes();
  uncommitted_bytes_ += bytes;
  engine_.commit(std::exchange(open_batch_, {}), storage::Durability::sync,
                 [this, alive = std::weak_ptr(alive_), number, bytes](Status status) {
                   if (alive.expired()) return;
                   uncommitted_bytes_ -= bytes;
                   on_committed(number, status);
                 });
}

void Replica::gate(BatchNumber batch, ReplicaReply answer, ReplyCallback reply) {
  if (batch <= durable_number_) return reply(std::move(answer));
  // Mostly in order; an answer about an older change goes before those about newer ones.
  auto place = gated_.end();
  while (place != gated_.begin() && std::prev(place)->batch > batch) --place;
  gated_.insert(place, {batch, std::move(answer), std::move(reply)});
}

void Replica::on_committed(BatchNumber batch, const Status& status) {
  if (failed_) return;
  if (!status) return fail_with(status.error());
  GREY_CHECK(batch == durable_number_ + 1);
  durable_number_ = batch;
  const std::weak_ptr<char> alive = alive_;
  while (!gated_.empty() && gated_.front().batch <= durable_number_) {
    Gated next = std::move(gated_.front());
    gated_.pop_front();
    next.reply(std::move(next.answer));
    if (alive.expired() || failed_) return;
  }
  evict();
}

// What is in memory may be ahead of the disk now, so nothing more may be answered from it.
void Replica::fail_with(Error error) {
  failed_ = true;
  gated_.clear();
  on_fatal_(std::move(error));
}

// ---- memory -----------------------------------------------------------------------------------

Replica::Entry& Replica::entry_of(const KeyName& key) {
  if (const auto found = entries_.find(key.packed); found != entries_.end()) {
    ++counters_.cache_hits;
    touch(*found->second);
    return *found->second;
  }
  ++counters_.cache_misses;
  auto owned = std::make_unique<Entry>();
  Entry& entry = *owned;
  entry.key = key;
  recency_.push_front(&entry);
  entry.recency = recency_.begin();
  entries_.emplace(ByteView(entry.key.packed), std::move(owned));
  cached_bytes_ += size_of(entry);
  load(entry);
  return entry;
}

void Replica::load(Entry& entry) {
  entry.loads_open = 2;
  // Entries are not evicted while they load.
  const auto deliver = [this, alive = std::weak_ptr(alive_), packed = entry.key.packed](
                           auto apply, const Bytes& key, Result<std::optional<Bytes>> stored) {
    if (alive.expired()) return;
    Entry& loading = *entries_.at(packed);
    const std::size_t size_before = size_of(loading);
    if (!stored) {
      loading.load_error = stored.error().code;
    } else if (*stored) {
      const auto payload = unseal(key, **stored);
      if (!payload) {
        loading.load_error = payload.error().code;  // damaged, or of a newer version
      } else if (!apply(loading, *payload)) {
        loading.load_error = ErrorCode::storage_corrupt;
      }
    }
    cached_bytes_ += size_of(loading) - size_before;
    if (--loading.loads_open == 0) on_loaded(packed);
  };
  Bytes record_key = record_storage_key(entry.key);
  engine_.get(record_key, nullptr, [deliver, record_key](Result<std::optional<Bytes>> stored) {
    deliver(
        [](Entry& loading, ByteView payload) {
          auto record = decode_record(payload);
          if (record) loading.state.accepted = *std::move(record);
          return record.has_value();
        },
        record_key, std::move(stored));
  });
  Bytes promise_key = promise_storage_key(entry.key);
  engine_.get(promise_key, nullptr, [deliver, promise_key](Result<std::optional<Bytes>> stored) {
    deliver(
        [](Entry& loading, ByteView payload) {
          const auto promised = decode_promise(payload);
          if (promised) loading.state.promised = *promised;
          loading.promise_stored = promised.has_value();
          return promised.has_value();
        },
        promise_key, std::move(stored));
  });
}

void Replica::on_loaded(const Bytes& packed) {
  Entry& entry = *entries_.at(packed);
  if (entry.load_error == ErrorCode::storage_corrupt) {
    ++counters_.faulty_records;
  } else if (entry.state.accepted.ballot > entry.state.promised) {
    entry.state.promised = entry.state.accepted.ballot;
  }
  // Still counted as loading while it answers: it must not be evicted meanwhile, and requests made
  // from inside an answer line up behind those that wait.
  entry.loads_open = 1;
  const std::weak_ptr<char> alive = alive_;
  for (std::size_t i = 0; i < entry.waiting.size(); ++i) {
    Waiting next = std::move(entry.waiting[i]);
    serve(entry, next.request, std::move(next.reply));
    if (alive.expired() || failed_) return;
  }
  entry.waiting.clear();
  entry.loads_open = 0;
  // What could not be read is read anew next time: the fault may have been the reading.
  if (entry.load_error != ErrorCode::ok) {
    cached_bytes_ -= size_of(entry);
    recency_.erase(entry.recency);
    entries_.erase(packed);
  }
  evict();
}

void Replica::touch(Entry& entry) { recency_.splice(recency_.begin(), recency_, entry.recency); }

void Replica::evict() {
  auto oldest = recency_.end();
  while (cached_bytes_ > options_.cache_bytes_max && oldest != recency_.begin()) {
    Entry& entry = **std::prev(oldest);
    if (entry.loads_open > 0 || entry.changed_in > durable_number_) {
      --oldest;  // the engine does not have it yet
      continue;
    }
    cached_bytes_ -= size_of(entry);
    const Bytes packed = entry.key.packed;
    oldest = recency_.erase(entry.recency);
    entries_.erase(packed);
  }
}

std::size_t Replica::size_of(const Entry& entry) {
  constexpr std::size_t overhead_bytes = 128;  // of the two containers
  return sizeof(Entry) + overhead_bytes + entry.key.packed.size() +
         entry.state.accepted.value.size();
}

void Replica::check_invariants() const {
  std::size_t bytes = 0;
  for (const auto& [packed, entry] : entries_) {
    bytes += size_of(*entry);
    GREY_CHECK(entry->changed_in <= open_number_);
    GREY_CHECK(entry->loads_open > 0 || entry->waiting.empty());
    if (entry->loads_open == 0 && entry->load_error == ErrorCode::ok) {
      Acceptor::check_invariants({}, entry->state);
    }
  }
  GREY_CHECK(bytes == cached_bytes_);
  GREY_CHECK(recency_.size() == entries_.size());
  GREY_CHECK(durable_number_ < open_number_);
}

}  // namespace grey::cluster
