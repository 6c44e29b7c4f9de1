#include "cluster/register/coordinator.h"

#include <algorithm>

#include "base/check.h"

namespace grey::cluster {

static constexpr std::size_t timers_kept_min = 1024;

static bool is_write(OperationKind kind) {
  return kind == OperationKind::put || kind == OperationKind::remove || kind == OperationKind::cas;
}

// What no honest client sends: a write without a name would be taken for any other one, and from
// the top of the rounds nobody could go higher any more.
static ErrorCode check_request(const OperationRequest& request, std::uint64_t epoch) {
  constexpr std::uint64_t round_max = std::uint64_t{1} << 62;
  if (request.kind == OperationKind::get) return ErrorCode::ok;
  const BallotWindow& window = request.window;
  if (window.epoch != epoch) return ErrorCode::wrong_epoch;
  const bool possible = request.id && window.low.epoch <= epoch && window.low.round <= round_max &&
                        window.round_high <= round_max;
  return possible ? ErrorCode::ok : ErrorCode::bad_request;
}

Coordinator::Coordinator(const CoordinatorOptions& options, Random random,
                         CoordinatorEnvironment& environment)
    : options_(options),
      random_(random),
      environment_(environment),
      home_keys_(options.cached_writes_max, options.cached_bytes_max) {}

Coordinator::~Coordinator() = default;

Ballot Coordinator::mint(std::uint64_t round) {
  highest_round_ = std::max(highest_round_, round);
  return {options_.epoch, round, options_.self, options_.incarnation, next_sequence_++};
}

// ---- operations -------------------------------------------------------------------------------

void Coordinator::start(OperationHandle handle, OperationRequest request, MonotonicTime deadline,
                        MonotonicTime now) {
  ++counters_.started;
  const HomeRange& home = range_of(request.placement);
  const OperationKind kind = request.kind;
  auto owned = std::make_unique<Running>(Running{
      Operation(std::move(request), home.round_seen, *this, options_.bugs), deadline, never});
  Running& running = *owned;
  GREY_CHECK(operations_.emplace(handle, std::move(owned)).second);
  set_timer({deadline, handle, false});

  if (const ErrorCode error = check_request(running.operation.request(), options_.epoch);
      error != ErrorCode::ok) {
    OperationResult refused;
    refused.error = error;
    end(handle, std::move(refused), now);
  } else if (kind == OperationKind::get) {
    execute(handle, running, running.operation.begin_read(), now);
  } else if (kind == OperationKind::resolve) {
    execute(handle, running, running.operation.begin_prepare(), now);
  } else {
    // Rule 9: one write of a key at a time.
    KeyQueue& queue = keys_[running.operation.request().key.packed];
    if (queue.active == 0) {
      queue.active = handle;
      running.serialised = true;
      ready_.push_back(handle);
    } else if (queue.waiting.size() < options_.queue_per_key_max) {
      queue.waiting.push_back(handle);
    } else {
      OperationResult refused;
      refused.error = ErrorCode::overloaded;
      end(handle, std::move(refused), now);
    }
  }
  run_ready(now);
}

void Coordinator::run_ready(MonotonicTime now) {
  while (!ready_.empty()) {
    const OperationHandle handle = ready_.front();
    ready_.pop_front();
    if (const auto found = operations_.find(handle); found != operations_.end()) {
      run_write(handle, *found->second, now);
    }
  }
}

void Coordinator::run_write(OperationHandle handle, Running& running, MonotonicTime now) {
  const OperationRequest& request = running.operation.request();
  HomeRange& home = range_of(request.placement);
  running.operation.note_round(home.round_seen);  // it may have waited while others went ahead
  const bool renew = home.state == HomeRange::State::held && now >= home.not_before &&
                     home_keys_.raised(request.key.packed, home.promise);
  const bool wanted = home.state == HomeRange::State::idle && may_acquire(home, now);
  if (renew || wanted) acquire(request.placement.range, home, now);
  switch (home.state) {
    case HomeRange::State::acquiring:
      home.waiting.push_back(handle);
      return;
    case HomeRange::State::held:
      return execute(handle, running, first_step_at_home(running.operation, home), now);
    case HomeRange::State::idle:
      return execute(handle, running, running.operation.begin_prepare(), now);
  }
}

Step Coordinator::first_step_at_home(Operation& operation, const HomeRange& home) {
  const OperationRequest& request = operation.request();
  const ByteView key = request.key.packed;
  // All attempts stay inside the client's window (rule 15); begin_prepare() answers a stale one.
  Ballot next = home.promise;
  next.sequence = next_sequence_;
  if (!request.window.contains(next) || home_keys_.raised(key, home.promise)) {
    return operation.begin_prepare();
  }
  if (request.kind != OperationKind::cas) return operation.begin_home_accept(home.promise, nullptr);
  if (home_keys_.fast_cas_banned(key, home.promise)) return operation.begin_prepare();
  const Record* cached = home_keys_.last_write(key, home.promise);
  if (cached != nullptr && request.expected.matches(*cached)) {
    const Record last = *cached;
    return operation.begin_home_accept(home.promise, &last);
  }
  return operation.begin_home_read(home.promise);
}

void Coordinator::execute(OperationHandle handle, Running& running, Step step, MonotonicTime now) {
  switch (step.kind) {
    case Step::Kind::finish:
      return end(handle, std::move(step.result), now);
    case Step::Kind::wait:
      if (step.hurry) running.due = std::min(running.due, now + options_.settle_time);
      break;
    case Step::Kind::pause:
    case Step::Kind::read:
    case Step::Kind::prepare:
    case Step::Kind::accept:
      ++running.step;
      running.due = now + wait_of(step);
      if (step.kind != Step::Kind::pause) send_step(handle, running, step, now);
      break;
  }
  if (step.kind != Step::Kind::wait || step.hurry) set_timer({running.due, handle, false});
}

Duration Coordinator::wait_of(const Step& step) {
  if (step.kind != Step::Kind::pause) return options_.step_timeout;
  // A read that found a write half way asks again soon; one without a majority less and less often.
  if (step.hurry) {
    const std::uint32_t doublings = std::min(std::max(step.tries, 1u) - 1, 8u);
    return std::min(options_.read_retry_delay * (1 << doublings), options_.read_retry_delay_max);
  }
  // Contenders draw lots.
  return random_.between(options_.read_retry_delay, options_.contention_delay_max);
}

void Coordinator::send_step(OperationHandle handle, Running& running, const Step& step,
                            MonotonicTime) {
  const OperationRequest& request = running.operation.request();
  const ReplicaSet& replicas = request.placement.replicas;
  ReplicaRequest message{options_.epoch, request.placement.range, request.key, {}};
  const int self = replicas.index_of(options_.self);
  const std::size_t nearest = self >= 0 ? static_cast<std::size_t>(self) : 0;
  if (step.kind == Step::Kind::prepare) {
    ++counters_.prepares;
    message.body = PrepareRequest{step.ballot};
  } else if (step.kind == Step::Kind::accept) {
    message.body = AcceptRequest{step.record};
  } else {
    ++counters_.read_rounds;
  }
  const RequestId id{handle, running.step, false};
  for (std::size_t i = 0; i < replicas.count; ++i) {
    if (step.kind == Step::Kind::read) {
      message.body = ReadRequest{step.want_values || i == nearest};
    }
    environment_.send(replicas.nodes[i], id, message);
  }
}

void Coordinator::on_reply(NodeId from, const RequestId& id, const ReplicaReply& reply,
                           MonotonicTime now) {
  if (id.for_range) {
    const auto found = ranges_.find(id.operation);
    if (found == ranges_.end() || found->second.generation != id.step) return;
    const int replica = found->second.replicas.index_of(from);
    if (replica >= 0) {
      on_range_vote(id.operation, found->second, static_cast<std::size_t>(replica), &reply, now);
    }
    return run_ready(now);
  }
  const auto found = operations_.find(id.operation);
  if (found == operations_.end()) return;
  Running& running = *found->second;
  const Placement& placement = running.operation.request().placement;
  const int replica = placement.replicas.index_of(from);
  if (replica < 0) return;
  note_promise(range_of(placement), reply.range_promise, now);
  if (running.step != id.step) return;
  execute(id.operation, running,
          running.operation.on_reply(static_cast<std::size_t>(replica), reply), now);
  run_ready(now);
}

void Coordinator::on_no_reply(NodeId from, const RequestId& id, MonotonicTime now) {
  if (id.for_range) {
    const auto found = ranges_.find(id.operation);
    if (found == ranges_.end() || found->second.generation != id.step) return;
    const int replica = found->second.replicas.index_of(from);
    if (replica >= 0) {
      on_range_vote(id.operation, found->second, static_cast<std::size_t>(replica), nullptr, now);
    }
    return run_ready(now);
  }
  const auto found = operations_.find(id.operation);
  if (found == operations_.end() || found->second->step != id.step) return;
  Running& running = *found->second;
  const int replica = running.operation.request().placement.replicas.index_of(from);
  if (replica < 0) return;
  execute(id.operation, running, running.operation.on_no_reply(static_cast<std::size_t>(replica)),
          now);
  run_ready(now);
}

void Coordinator::tick(MonotonicTime now) {
  while (!timers_.empty() && timers_.top().at <= now) {
    const Timer timer = timers_.top();
    timers_.pop();
    if (timer.for_range) {
      const auto found = ranges_.find(timer.target);
      if (found != ranges_.end() && found->second.state == HomeRange::State::acquiring &&
          found->second.due <= now) {
        settle_range(timer.target, found->second, false, now);
      }
    } else if (const auto found = operations_.find(timer.target); found != operations_.end()) {
      Running& running = *found->second;
      if (running.deadline <= now) {
        end(timer.target, running.operation.expire(), now);
      } else if (running.due <= now) {
        running.due = never;
        execute(timer.target, running, running.operation.on_timeout(), now);
      }
    }
    run_ready(now);
  }
}

// Timers of what has ended stay until they are due. When most of them are of that kind they are
// made anew from what there is, so that their number is bounded by that of the operations in
// flight.
void Coordinator::set_timer(const Timer& timer) {
  timers_.push(timer);
  if (timers_.size() < std::max(timers_kept_min, 8 * (operations_.size() + ranges_.size()))) return;
  std::vector<Timer> live;
  for (const auto& [handle, running] : operations_) {
    live.push_back({running->deadline, handle, false});
    if (running->due != never) live.push_back({running->due, handle, false});
  }
  for (const auto& [token, home] : ranges_) {
    if (home.state == HomeRange::State::acquiring) live.push_back({home.due, token, true});
  }
  timers_ = std::priority_queue<Timer>(std::less<Timer>(), std::move(live));
}

MonotonicTime Coordinator::next_deadline() const {
  return timers_.empty() ? never : timers_.top().at;
}

void Coordinator::end(OperationHandle handle, OperationResult result, MonotonicTime) {
  const auto found = operations_.find(handle);
  GREY_CHECK(found != operations_.end());
  const std::unique_ptr<Running> running = std::move(found->second);
  operations_.erase(found);
  const OperationRequest& request = running->operation.request();
  HomeRange& home = range_of(request.placement);
  home.round_seen = std::max(home.round_seen, running->operation.round_seen());
  highest_round_ = std::max(highest_round_, home.round_seen);
  after_write(*running, result);
  if (is_write(request.kind)) {
    if (running->serialised) {
      release_key(request.key);
    } else if (const auto queue = keys_.find(request.key.packed); queue != keys_.end()) {
      std::erase(queue->second.waiting, handle);
    }
  }
  if (home.state == HomeRange::State::held) {
    result.home_ballot = home.promise;
    result.home_ballot.sequence = next_sequence_ - 1;
  }
  ++counters_.finished;
  if (result.fast_path) ++counters_.fast_writes;
  if (result.error == ErrorCode::outcome_unknown) ++counters_.unknown;
  environment_.finish(handle, std::move(result));
}

// What the home may believe of the key from now on (rules 9 and 18).
void Coordinator::after_write(const Running& running, const OperationResult& result) {
  const OperationRequest& request = running.operation.request();
  const HomeRange& home = range_of(request.placement);
  if (home.state == HomeRange::State::idle) return;
  const ByteView key = request.key.packed;
  if (result.fast_path && is_write(request.kind) &&
      result.record.ballot.same_interval(home.promise)) {
    home_keys_.remember(key, home.promise, result.record);
    return;
  }
  if (running.operation.prepared()) home_keys_.mark_raised(key, home.promise);
  if (running.operation.attempted() || running.operation.prepared()) {
    home_keys_.forget(key);
    home_keys_.ban_fast_cas(key, home.promise);
    renew_marks();
  }
}

void Coordinator::release_key(const KeyName& key) {
  const auto found = keys_.find(key.packed);
  GREY_CHECK(found != keys_.end());
  KeyQueue& queue = found->second;
  if (queue.waiting.empty()) {
    keys_.erase(found);
    return;
  }
  queue.active = queue.waiting.front();
  queue.waiting.pop_front();
  operations_.at(queue.active)->serialised = true;
  ready_.push_back(queue.active);
}

// ---- homes ------------------------------------------------------------------------------------

HomeRange& Coordinator::range_of(const Placement& placement) {
  HomeRange& home = ranges_[placement.range];
  if (home.replicas.count == 0) home.replicas = placement.replicas;
  return home;
}

void Coordinator::note_range_round(RangeToken range, std::uint64_t round) {
  HomeRange& home = ranges_[range];
  home.round_seen = std::max(home.round_seen, round);
  highest_round_ = std::max(highest_round_, round);
}

// The first replica that is up, in ring order, takes the promise; others leave it alone.
bool Coordinator::may_acquire(const HomeRange& home, MonotonicTime now) const {
  if (!options_.use_home || now < home.not_before) return false;
  for (std::size_t i = 0; i < home.replicas.count; ++i) {
    if (home.replicas.nodes[i] == options_.self) return true;
    if (environment_.reachable(home.replicas.nodes[i])) return false;
  }
  return false;
}

void Coordinator::acquire(RangeToken token, HomeRange& home, MonotonicTime now) {
  home.state = HomeRange::State::acquiring;
  ++home.generation;
  home.granted.fill(false);
  home.settled.fill(false);
  home.promise = mint(++home.round_seen);
  home.due = now + options_.acquire_timeout;
  set_timer({home.due, token, true});
  const ReplicaRequest message{options_.epoch, token, {}, PrepareRangeRequest{home.promise}};
  for (std::size_t i = 0; i < home.replicas.count; ++i) {
    environment_.send(home.replicas.nodes[i], {token, home.generation, true}, message);
  }
}

void Coordinator::on_range_vote(RangeToken token, HomeRange& home, std::size_t replica,
                                const ReplicaReply* reply, MonotonicTime now) {
  if (home.state != HomeRange::State::acquiring || home.settled[replica]) return;
  home.settled[replica] = true;
  if (reply != nullptr && reply->error == ErrorCode::ok && reply->epoch == options_.epoch) {
    home.granted[replica] = reply->granted && reply->range_promise == home.promise;
    home.round_seen = std::max(home.round_seen, reply->range_promise.round);
  }
  const auto end = home.replicas.count;
  const auto granted =
      static_cast<std::size_t>(std::count(home.granted.begin(), home.granted.begin() + end, true));
  const auto open =
      static_cast<std::size_t>(std::count(home.settled.begin(), home.settled.begin() + end, false));
  if (granted >= home.replicas.majority()) return settle_range(token, home, true, now);
  if (granted + open >= home.replicas.majority()) return;
  // Refused: an older promise has a higher round. Go above it, a few times.
  if (home.round_seen > home.promise.round && ++home.tries < 4) return acquire(token, home, now);
  settle_range(token, home, false, now);
}

void Coordinator::settle_range(RangeToken, HomeRange& home, bool held, MonotonicTime now) {
  home.tries = 0;
  home.state = held ? HomeRange::State::held : HomeRange::State::idle;
  if (held) {
    ++counters_.range_promises;
    home.not_before = now + options_.repromise_interval;
  } else {
    home.promise = {};
    home.not_before = now + random_.between(Duration(0), options_.lost_promise_delay_max);
  }
  for (const OperationHandle handle : home.waiting) ready_.push_back(handle);
  home.waiting.clear();
}

void Coordinator::note_range_promise(RangeToken range, const Ballot& promise, MonotonicTime now) {
  note_promise(ranges_[range], promise, now);
}

void Coordinator::note_foreign_ballot(RangeToken range, ByteView key, const Ballot& ballot) {
  HomeRange& home = ranges_[range];
  home.round_seen = std::max(home.round_seen, ballot.round);  // the next promise is to be above it
  if (home.state == HomeRange::State::idle || ballot <= home.promise) return;
  home_keys_.mark_raised(key, home.promise);
  renew_marks();
}

void Coordinator::note_promise(HomeRange& home, const Ballot& promise, MonotonicTime now) {
  home.round_seen = std::max(home.round_seen, promise.round);
  if (home.state != HomeRange::State::held || promise <= home.promise) return;
  ++counters_.range_promises_lost;
  home.state = HomeRange::State::idle;
  home.promise = {};
  home.not_before = now + random_.between(Duration(0), options_.lost_promise_delay_max);
}

// Marks may not be forgotten under the promises they belong to, so a full table ends those
// promises.
void Coordinator::renew_marks() {
  if (home_keys_.mark_count() <= options_.marks_max) return;
  for (auto& [token, home] : ranges_) {
    if (home.state != HomeRange::State::held) continue;
    home.state = HomeRange::State::idle;
    home.promise = {};
  }
  home_keys_.drop_marks();
}

bool Coordinator::is_home(RangeToken range) const {
  const auto found = ranges_.find(range);
  return found != ranges_.end() && found->second.state == HomeRange::State::held;
}

std::size_t Coordinator::homes_held() const {
  return static_cast<std::size_t>(std::count_if(ranges_.begin(), ranges_.end(), [](const auto& r) {
    return r.second.state == HomeRange::State::held;
  }));
}

void Coordinator::check_invariants() const {
  for (const auto& [handle, running] : operations_) {
    running->operation.check_invariants();
    if (running->serialised) {
      const auto queue = keys_.find(running->operation.request().key.packed);
      GREY_CHECK(queue != keys_.end() && queue->second.active == handle);
    }
  }
  for (const auto& [key, queue] : keys_) GREY_CHECK(operations_.contains(queue.active));
  for (const auto& [token, home] : ranges_) {
    const bool named = home.promise.epoch != 0;
    GREY_CHECK((home.state == HomeRange::State::idle) != named);
    GREY_CHECK(home.state == HomeRange::State::acquiring || home.waiting.empty());
  }
}

}  // namespace grey::cluster
