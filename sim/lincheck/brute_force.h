// For tests: linearizability by trying every order, straight from the definition. Shares nothing
// with the checker but the history; good for a dozen operations.
#pragma once
#include <algorithm>
#include <vector>

#include "sim/lincheck/history.h"

namespace grey::lincheck {

class BruteForce {
 public:
  explicit BruteForce(const History& history) : operations_(history.operations()) {}
  /// Of a history of one key, or of its events up to the one numbered `last`. What comes later is
  /// known only in so far as an operation that turned out to have written nothing writes nothing.
  bool linearizable(std::uint64_t last = ~std::uint64_t{0}) {
    last_ = last;
    done_.assign(operations_.size(), false);
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const Operation& operation = operations_[i];
      const bool wrote_nothing =
          operation.reply.outcome == Outcome::not_applied ||
          (!answered(operation) && operation.reply.outcome == Outcome::failed);
      if (wrote_nothing || operation.invoked > last) done_[i] = true;
    }
    return search({absent, 0});
  }

 private:
  bool search(Seen state) {
    std::uint64_t earliest_answer = ~std::uint64_t{0};
    bool finished = true;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if (done_[i] || !answered(operations_[i])) continue;
      finished = false;
      earliest_answer = std::min(earliest_answer, operations_[i].returned);
    }
    if (finished) return true;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const Operation& operation = operations_[i];
      if (done_[i] || operation.invoked > earliest_answer) continue;
      Seen after = state;
      if (!take_effect(operation, after)) continue;
      done_[i] = true;
      if (search(after)) return true;
      done_[i] = false;
    }
    return false;
  }

  bool answered(const Operation& operation) const {
    if (operation.returned > last_) return false;
    return operation.reply.outcome == Outcome::ok || operation.reply.outcome == Outcome::failed;
  }

  static bool same(const Seen& told, const Seen& state) {
    return told.value == state.value &&
           (told.value == absent || told.version == 0 || told.version == state.version);
  }

  static bool as_expected(const Expected& expected, const Seen& state) {
    if (expected.value) return *expected.value == state.value;
    return state.value != absent && expected.version == state.version;
  }

  /// False if the operation cannot have answered as it did in this state.
  static bool take_effect(const Operation& operation, Seen& state) {
    const Call& call = operation.call;
    const Reply& reply = operation.reply;
    const Seen written = call.value == absent ? Seen{} : Seen{call.value, call.version};
    switch (call.kind) {
      case Kind::get:
        return reply.outcome == Outcome::unknown || same(*reply.seen, state);
      case Kind::put:
        state = written;
        return true;
      case Kind::remove:
        state = {};
        return true;
      case Kind::cas:
        if (as_expected(call.expected, state)) {
          if (reply.outcome == Outcome::failed) return false;
          state = written;
          return true;
        }
        if (reply.outcome == Outcome::failed) return !reply.seen || same(*reply.seen, state);
        return reply.outcome == Outcome::unknown;
    }
    return false;
  }

  const std::vector<Operation>& operations_;
  std::uint64_t last_ = 0;
  std::vector<bool> done_;
};

}  // namespace grey::lincheck
