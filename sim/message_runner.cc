#include "sim/message_runner.h"

#include <charconv>
#include <utility>

#include "cluster/ring/token.h"

namespace grey::sim {

using cluster::OperationKind;
using cluster::OperationRequest;
using cluster::OperationResult;

namespace {

constexpr std::string_view tenant = "sim";

// Value number, client and operation id follow from one another.
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

MessageRunner::MessageRunner(std::uint32_t client, transport::sim::World& world,
                             MessageNetwork& network, const cluster::Ring& ring,
                             const Profile& profile, NodeDirectory directory, SharedBallots& shared,
                             WorkloadCounters& counters, Random random)
    : client_(client),
      world_(world),
      network_(network),
      ring_(ring),
      profile_(profile),
      directory_(std::move(directory)),
      shared_(shared),
      counters_(counters),
      random_(random) {}

void MessageRunner::run(const HistoryEvent& operation, Duration timeout, Done done) {
  const OperationRequest request = request_of(operation);
  const NodeId node = choose_node(operation.key);
  submit(node, request, timeout,
         [this, key = operation.key, request, timeout, done = std::move(done)](
             const OperationResult* result) { on_result(key, request, timeout, done, result); });
}

void MessageRunner::read_through(NodeId node, const HistoryEvent& read, Duration timeout,
                                 Done done) {
  const OperationRequest request = request_of(read);
  submit(node, request, timeout,
         [this, key = read.key, request, timeout, done = std::move(done)](
             const OperationResult* result) { on_result(key, request, timeout, done, result); });
}

OperationRequest MessageRunner::request_of(const HistoryEvent& event) {
  OperationRequest request;
  request.key = key_name(event.key);
  request.id = operation_of(value_number(client_, event.sequence));
  request.window.epoch = ring_.topology().epoch;
  if (random_.chance(0.7)) request.window.low = shared_.home[event.key];
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

NodeId MessageRunner::choose_node(std::uint32_t key) {
  if (random_.chance(profile_.home_affinity)) {
    return ring_.replicas_of(ring_.range_of(key_name(key).token)).front();
  }
  return static_cast<NodeId>(1 + random_.below(profile_.nodes));
}

void MessageRunner::submit(NodeId to, OperationRequest request, Duration timeout, Completion done) {
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

void MessageRunner::on_result(std::uint32_t key, const OperationRequest& request, Duration timeout,
                              const Done& done, const OperationResult* result) {
  if (result != nullptr) learn(key, *result);
  if (result == nullptr || result->error == ErrorCode::outcome_unknown) {
    if (request.kind == OperationKind::get) return done(EventOutcome::not_applied, 0);
    if (random_.chance(profile_.resolve_chance)) return resolve(key, request, timeout, done, 0);
    return done(EventOutcome::unknown, 0);
  }
  switch (result->error) {
    case ErrorCode::ok:
      if (result->fast_path) ++counters_.fast_path;
      return done(EventOutcome::applied,
                  request.kind == OperationKind::get ? value_of(result->record) : 0);
    case ErrorCode::not_found:
      return done(EventOutcome::applied, 0);
    case ErrorCode::precondition_failed:
      return done(EventOutcome::mismatched, 0);
    default:
      return done(EventOutcome::not_applied, 0);
  }
}

void MessageRunner::resolve(std::uint32_t key, OperationRequest request, Duration timeout,
                            const Done& done, std::uint32_t tries) {
  request.kind = OperationKind::resolve;
  submit(static_cast<NodeId>(1 + random_.below(profile_.nodes)), request, timeout,
         [this, key, request, timeout, done, tries](const OperationResult* result) {
           if (result != nullptr) learn(key, *result);
           if (result != nullptr && result->error == ErrorCode::ok) {
             ++counters_.resolved_applied;
             return done(EventOutcome::applied, 0);
           }
           if (result != nullptr && result->error == ErrorCode::cancelled) {
             ++counters_.resolved_never;
             return done(EventOutcome::not_applied, 0);
           }
           if (tries < 2) return resolve(key, request, timeout, done, tries + 1);
           ++counters_.resolved_unknown;
           done(EventOutcome::unknown, 0);
         });
}

void MessageRunner::learn(std::uint32_t key, const OperationResult& result) {
  shared_.round_seen = std::max(shared_.round_seen, result.round_seen);
  if (result.home_ballot) shared_.home[key] = result.home_ballot;
}

}  // namespace grey::sim
