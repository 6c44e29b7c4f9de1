#include <algorithm>

#include "sim/lincheck/checker.h"

namespace grey::lincheck {
namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string show(const History& history, const Seen& seen) {
  std::string text = history.show(seen.value);
  if (seen.version != 0) text += "@v" + std::to_string(seen.version);
  return text;
}

std::string show(const History& history, const Expected& expected) {
  if (!expected.value) return "v" + std::to_string(expected.version);
  return show(history, Seen{*expected.value, expected.version});
}

std::string show_call(const History& history, const Call& call) {
  const std::string key = history.show(call.key);
  const std::string written = show(history, Seen{call.value, call.version});
  switch (call.kind) {
    case Kind::get:
      return "get " + key;
    case Kind::put:
      return "put " + key + " = " + written;
    case Kind::remove:
      return "delete " + key;
    case Kind::cas:
      return "cas " + key + " from " + show(history, call.expected) + " to " + written;
  }
  return "?";
}

std::string show_reply(const History& history, const Operation& operation) {
  const Reply& reply = operation.reply;
  switch (reply.outcome) {
    case Outcome::unknown:
      return operation.returned == 0 ? "no answer" : "unknown";
    case Outcome::not_applied:
      return "not applied";
    case Outcome::failed:
      return reply.seen ? "failed, saw " + show(history, *reply.seen) : "failed";
    case Outcome::ok:
      return reply.seen ? show(history, *reply.seen) : "ok";
  }
  return "?";
}

}  // namespace

std::string render(const History& history, const Operation& operation) {
  return "p" + std::to_string(operation.call.process) + "  " + show_call(history, operation.call) +
         " -> " + show_reply(history, operation);
}

std::string render(const History& history, const Violation& violation) {
  const std::vector<Operation>& all = history.operations();
  const Operation& culprit = all[violation.operation];
  std::string out = "not linearizable: key " + history.show(violation.key) +
                    ", at the answer of: " + render(history, culprit) +
                    "\njust before it the key held one of:";
  for (const Seen& seen : violation.possible) out += " " + show(history, seen);
  // Events are numbered in the order they happened: answer 7 came before invocation 8.
  out += "\n   " + padded("invoked", 10) + padded("answered", 10) + "operation\n";
  for (const OperationIndex i : violation.window) {
    const Operation& operation = all[i];
    out += (i == violation.operation ? " > " : "   ") +
           padded(std::to_string(operation.invoked), 10) +
           padded(operation.returned == 0 ? "-" : std::to_string(operation.returned), 10) +
           render(history, operation) + "\n";
  }
  return out;
}

}  // namespace grey::lincheck
