#include "sim/workload.h"

#include <charconv>
#include <utility>

#include "cluster/ring/token.h"

namespace grey::sim {

using cluster::OperationKind;
using cluster::OperationRequest;
using cluster::OperationResult;

namespace {

constexpr std::uint64_t values_per_client = 1'000'000;
constexpr std::string_view tenant = "sim";

// A written value names its writer: value number, client and sequence follow from one another.
OperationId operation_of(ValueNumber value) {
  return {{value / values_per_client, 7}, value % values_per_client};
}

ValueNumber value_of(const cluster::Record& record) {
  if (!record.has_value()) return 0;
  ValueNumber value = 0;
  const ByteView text = record.value.view();
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

SharedBytes bytes_of(ValueNumber value) { return SharedBytes(std::to_string(value)); }

}  // namespace

cluster::KeyName key_name(std::uint32_t key) {
  const Bytes name = "key" + std::to_string(key);
  return cluster::KeyName::make(tenant, name, cluster::token_of(tenant, name));
}

Client::Client(std::uint32_t number, transport::sim::World& world, MessageNetwork& network,
               const cluster::Ring& ring, const Profile& profile, NodeDirectory directory,
               SharedKnowledge& shared, History& history, WorkloadCounters& counters, Random random)
    : number_(number),
      world_(world),
      network_(network),
      ring_(ring),
      profile_(profile),
      directory_(std::move(directory)),
      shared_(shared),
      history_(history),
      counters_(counters),
      random_(random) {}

void Client::run(std::size_t* budget) {
  budget_ = budget;
  if (*budget_ == 0) return;
  --*budget_;
  busy_ = true;
  world_.schedule_at(world_.now() + random_.between(Duration(0), profile_.think_max),
                     [this] { start_operation(); });
}

void Client::start_operation() {
  const std::size_t event = history_.size();
  history_.push_back(choose());
  const HistoryEvent& chosen = history_.back();
  OperationRequest request = request_of(chosen);
  submit(
      choose_node(chosen.key), request, profile_.operation_timeout,
      [this, event, request](const OperationResult* result) { on_result(event, request, result); });
}

HistoryEvent Client::choose() {
  HistoryEvent event;
  event.client = number_;
  event.key = static_cast<std::uint32_t>(random_.below(profile_.keys));
  event.invoked = world_.now();
  ++sequence_;
  const ValueNumber own = (number_ + 1) * values_per_client + sequence_;
  double lot = random_.unit();
  if ((lot -= profile_.put_share) < 0) {
    event.kind = EventKind::put;
    event.written = own;
  } else if ((lot -= profile_.remove_share) < 0) {
    event.kind = EventKind::remove;
  } else if ((lot -= profile_.cas_share) < 0) {
    event.kind = EventKind::cas;
    event.written = random_.chance(0.1) ? 0 : own;
    event.expected = random_.chance(0.15) ? 0 : shared_.last_seen[event.key];
  }
  return event;
}

OperationRequest Client::request_of(const HistoryEvent& event) {
  OperationRequest request;
  request.key = key_name(event.key);
  request.id = {{number_ + 1, 7}, sequence_};
  request.window.epoch = ring_.topology().epoch;
  if (random_.chance(0.7)) request.window.low = shared_.home_ballot[event.key];
  request.window.round_high = shared_.round_seen + random_.between(1, 64);
  switch (event.kind) {
    case EventKind::get:
      request.kind = OperationKind::get;
      break;
    case EventKind::put:
      request.kind = OperationKind::put;
      break;
    case EventKind::remove:
      request.kind = OperationKind::remove;
      break;
    case EventKind::cas:
      request.kind = OperationKind::cas;
      request.cas_removes = event.written == 0;
      if (event.expected == 0) break;
      if (random_.chance(0.5)) {
        request.expected.kind = cluster::Expectation::Kind::value;
        request.expected.value = bytes_of(event.expected);
      } else {
        request.expected.kind = cluster::Expectation::Kind::version;
        request.expected.version = operation_of(event.expected);
      }
      break;
  }
  if (event.written != 0) request.value = bytes_of(event.written);
  return request;
}

NodeId Client::choose_node(std::uint32_t key) {
  if (random_.chance(profile_.home_affinity)) {
    return ring_.replicas_of(ring_.range_of(key_name(key).token)).front();
  }
  return static_cast<NodeId>(1 + random_.below(profile_.nodes));
}

void Client::submit(NodeId to, OperationRequest request, Duration timeout, Completion done) {
  const std::uint64_t submission = ++waiting_for_;
  auto answer = [this, submission, done](const OperationResult* result) {
    if (waiting_for_ != submission) return;  // late, or the second of two
    ++waiting_for_;
    done(result);
  };
  network_.send(
      host(), to,
      [this, to, request = std::move(request), timeout, answer] {
        SimulatedNode* node = directory_(to);
        if (node == nullptr) return;
        node->executor().post([this, node, to, request, timeout, answer] {
          if (!node->ready()) return;
          node->store().submit(
              request, world_.now() + timeout, [this, to, answer](const OperationResult& result) {
                network_.send(to, host(), [answer, result] { answer(&result); }, true);
              });
        });
      },
      false);
  world_.schedule_at(world_.now() + timeout + timeout / 8, [answer] { answer(nullptr); });
}

void Client::on_result(std::size_t event, const OperationRequest& request,
                       const OperationResult* result) {
  if (result == nullptr || result->error == ErrorCode::outcome_unknown) {
    if (result != nullptr) learn(history_[event].key, *result);
    if (request.kind == OperationKind::get) return settle(event, EventOutcome::not_applied);
    if (random_.chance(profile_.resolve_chance)) return resolve(event, request, 0);
    return settle(event, EventOutcome::unknown);
  }
  learn(history_[event].key, *result);
  switch (result->error) {
    case ErrorCode::ok:
      if (result->fast_path) ++counters_.fast_path;
      return settle(event, EventOutcome::applied,
                    request.kind == OperationKind::get ? value_of(result->record) : 0);
    case ErrorCode::not_found:
      return settle(event, EventOutcome::applied);
    case ErrorCode::precondition_failed:
      return settle(event, EventOutcome::mismatched);
    default:
      return settle(event, EventOutcome::not_applied);
  }
}

void Client::resolve(std::size_t event, OperationRequest request, std::uint32_t tries) {
  request.kind = OperationKind::resolve;
  submit(static_cast<NodeId>(1 + random_.below(profile_.nodes)), request,
         profile_.operation_timeout, [this, event, request, tries](const OperationResult* result) {
           if (result != nullptr) learn(history_[event].key, *result);
           if (result != nullptr && result->error == ErrorCode::ok) {
             ++counters_.resolved_applied;
             return settle(event, EventOutcome::applied);
           }
           if (result != nullptr && result->error == ErrorCode::cancelled) {
             ++counters_.resolved_never;
             return settle(event, EventOutcome::not_applied);
           }
           if (tries < 2) return resolve(event, request, tries + 1);
           ++counters_.resolved_unknown;
           settle(event, EventOutcome::unknown);
         });
}

void Client::settle(std::size_t event, EventOutcome outcome, ValueNumber seen) {
  HistoryEvent& e = history_[event];
  e.outcome = outcome;
  e.seen = seen;
  if (outcome != EventOutcome::unknown) e.returned = world_.now();
  if (outcome == EventOutcome::applied) {
    if (e.kind == EventKind::get) shared_.last_seen[e.key] = e.seen;
    if (e.kind != EventKind::get) shared_.last_seen[e.key] = e.written;
  }
  switch (outcome) {
    case EventOutcome::applied:
      ++counters_.applied;
      break;
    case EventOutcome::mismatched:
      ++counters_.mismatched;
      break;
    case EventOutcome::not_applied:
      ++counters_.not_applied;
      break;
    case EventOutcome::unknown:
      ++counters_.unknown;
      break;
  }
  busy_ = false;
  if (budget_ != nullptr) run(budget_);
}

void Client::learn(std::uint32_t key, const OperationResult& result) {
  shared_.round_seen = std::max(shared_.round_seen, result.round_seen);
  if (result.home_ballot) shared_.home_ballot[key] = result.home_ballot;
}

void Client::read_once(std::uint32_t key, NodeId node, Duration timeout) {
  busy_ = true;
  budget_ = nullptr;
  const std::size_t event = history_.size();
  HistoryEvent read;
  read.client = number_;
  read.key = key;
  read.invoked = world_.now();
  history_.push_back(read);
  OperationRequest request = request_of(read);
  submit(node, request, timeout, [this, event, request](const OperationResult* result) {
    on_result(event, request, result);
  });
}

}  // namespace grey::sim
