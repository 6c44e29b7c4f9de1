#include "sim/linearizability.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace grey::sim {

namespace {

lincheck::Text text_of(lincheck::History& history, ValueNumber value) {
  return value == 0 ? lincheck::absent : history.intern(std::to_string(value));
}

lincheck::Call call_of(lincheck::History& out, const HistoryEvent& event) {
  lincheck::Call call;
  call.process = event.client;
  call.key = out.intern("key" + std::to_string(event.key));
  call.value = text_of(out, event.written);
  switch (event.kind) {
    case EventKind::get:
      call.kind = lincheck::Kind::get;
      break;
    case EventKind::put:
      call.kind = lincheck::Kind::put;
      break;
    case EventKind::remove:
      call.kind = lincheck::Kind::remove;
      break;
    case EventKind::cas:
      call.kind = lincheck::Kind::cas;
      call.expected = lincheck::Expected::value_is(text_of(out, event.expected));
      break;
  }
  return call;
}

lincheck::Reply reply_of(lincheck::History& out, const HistoryEvent& event) {
  lincheck::Reply reply;
  switch (event.outcome) {
    case EventOutcome::applied:
      reply.outcome = lincheck::Outcome::ok;
      break;
    case EventOutcome::mismatched:
      reply.outcome = lincheck::Outcome::failed;
      break;
    case EventOutcome::not_applied:
      reply.outcome = lincheck::Outcome::not_applied;
      break;
    case EventOutcome::unknown:
      reply.outcome = lincheck::Outcome::unknown;
      break;
  }
  if (event.kind == EventKind::get && event.outcome == EventOutcome::applied) {
    reply.seen = lincheck::Seen{text_of(out, event.seen), 0};
  }
  return reply;
}

}  // namespace

lincheck::History checkable_history(const History& history) {
  // Invocations and answers in the order in which they happened; at one instant answers come last,
  // so that nothing is ordered that overlapped.
  struct Moment {
    MonotonicTime at;
    bool answer;
    std::size_t event;
  };
  std::vector<Moment> moments;
  for (std::size_t i = 0; i < history.size(); ++i) {
    moments.push_back({history[i].invoked, false, i});
    if (history[i].returned != never) moments.push_back({history[i].returned, true, i});
  }
  std::sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) {
    return std::tie(a.at, a.answer, a.event) < std::tie(b.at, b.answer, b.event);
  });
  lincheck::History out;
  std::vector<lincheck::OperationIndex> index(history.size());
  for (const Moment& moment : moments) {
    const HistoryEvent& event = history[moment.event];
    const std::int64_t time_ns = moment.at.time_since_epoch().count();
    if (moment.answer) {
      out.complete(index[moment.event], reply_of(out, event), time_ns);
    } else {
      index[moment.event] = out.invoke(call_of(out, event), time_ns);
    }
  }
  return out;
}

std::string check_linearizability(const History& history, const lincheck::Limits& limits) {
  const lincheck::History checkable = checkable_history(history);
  const lincheck::CheckResult result = lincheck::check(checkable, limits);
  switch (result.verdict) {
    case lincheck::Verdict::linearizable:
      return {};
    case lincheck::Verdict::undecided:
      return std::string(undecided);
    case lincheck::Verdict::not_linearizable:
      break;
  }
  return "not linearizable:\n" + lincheck::render(checkable, result.violations.front());
}

}  // namespace grey::sim
