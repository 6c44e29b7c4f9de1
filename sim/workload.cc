#include "sim/workload.h"

#include <utility>

namespace grey::sim {

Client::Client(std::uint32_t number, transport::sim::World& world, const Profile& profile,
               OperationRunner& runner, SharedKnowledge& shared, History& history,
               WorkloadCounters& counters, Random random)
    : number_(number),
      world_(world),
      profile_(profile),
      runner_(runner),
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
  history_.push_back(profile_.written_once ? choose_written_once() : choose());
  runner_.run(
      HistoryEvent(history_.back()), profile_.operation_timeout,
      [this, event](EventOutcome outcome, ValueNumber seen) { settle(event, outcome, seen); });
}

HistoryEvent Client::choose() {
  HistoryEvent event;
  event.client = number_;
  event.sequence = ++sequence_;
  event.key = static_cast<std::uint32_t>(random_.below(profile_.keys));
  event.invoked = world_.now();
  const ValueNumber own = value_number(number_, sequence_);
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

// Puts to keys that nobody has written before, and gets of any that has been.
HistoryEvent Client::choose_written_once() {
  HistoryEvent event;
  event.client = number_;
  event.sequence = ++sequence_;
  event.invoked = world_.now();
  if (shared_.last_seen.empty() || random_.chance(profile_.put_share)) {
    event.kind = EventKind::put;
    event.key = static_cast<std::uint32_t>(shared_.last_seen.size());
    event.written = value_number(number_, sequence_);
    shared_.last_seen.push_back(0);
  } else {
    event.key = static_cast<std::uint32_t>(random_.below(shared_.last_seen.size()));
  }
  return event;
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

void Client::read_once(std::uint32_t key, NodeId node, Duration timeout) {
  busy_ = true;
  budget_ = nullptr;
  const std::size_t event = history_.size();
  HistoryEvent read;
  read.client = number_;
  read.key = key;
  read.sequence = ++sequence_;
  read.invoked = world_.now();
  history_.push_back(read);
  runner_.read_through(node, read, timeout, [this, event](EventOutcome outcome, ValueNumber seen) {
    settle(event, outcome, seen);
  });
}

}  // namespace grey::sim
