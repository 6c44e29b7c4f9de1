// For tests: histories of a register that is atomic by construction. Clients run at random; each
// operation takes effect at one instant of its own; answers are lost or refused at will.
#pragma once
#include <string>
#include <vector>

#include "base/random.h"
#include "sim/lincheck/history.h"

namespace grey::lincheck {

struct Workload {
  std::uint32_t clients = 4;
  std::uint32_t operations = 100;
  std::uint32_t keys = 1;
  std::uint32_t values = 0;  // how many different ones; 0: every write its own
  double put_share = 0.3;
  double remove_share = 0.05;
  double cas_share = 0.2;
  double unknown_share = 0.05;
  double not_applied_share = 0.02;
  bool versions = false;         // writes carry versions, answers tell them
  bool failed_cas_tells = true;  // a failed cas is told what it found
};

class AtomicRegister {
 public:
  AtomicRegister(const Workload& workload, std::uint64_t seed)
      : workload_(workload), random_(seed), clients_(workload.clients), state_(workload.keys) {
    for (std::uint32_t k = 0; k < workload.keys; ++k) {
      keys_.push_back(history_.intern("key" + std::to_string(k)));
    }
  }

  History run() {
    std::uint32_t started = 0;
    while (true) {
      std::vector<std::uint32_t> able;
      for (std::uint32_t c = 0; c < clients_.size(); ++c) {
        if (clients_[c].phase != Phase::idle || started < workload_.operations) able.push_back(c);
      }
      if (able.empty()) return std::move(history_);
      const std::uint32_t chosen = able[random_.below(able.size())];
      Client& client = clients_[chosen];
      switch (client.phase) {
        case Phase::idle:
          ++started;
          invoke(client, chosen);
          break;
        case Phase::invoked:
          take_effect(client);
          break;
        case Phase::in_effect:
          answer(client);
          break;
      }
    }
  }

 private:
  enum class Phase { idle, invoked, in_effect };
  struct Client {
    Phase phase = Phase::idle;
    std::uint32_t key = 0;
    Call call{};
    OperationIndex operation = 0;
    Reply reply{};
  };

  void invoke(Client& client, std::uint32_t process) {
    client.key = static_cast<std::uint32_t>(random_.below(workload_.keys));
    client.call = {.process = process, .key = keys_[client.key]};
    const double dice = random_.unit();
    if (dice < workload_.put_share) {
      client.call.kind = Kind::put;
    } else if (dice < workload_.put_share + workload_.remove_share) {
      client.call.kind = Kind::remove;
    } else if (dice < workload_.put_share + workload_.remove_share + workload_.cas_share) {
      client.call.kind = Kind::cas;
      client.call.expected = some_expectation(state_[client.key]);
    }
    if (client.call.kind == Kind::put || client.call.kind == Kind::cas) {
      client.call.value = some_value();
      if (workload_.versions) client.call.version = ++last_version_;
    }
    client.operation = history_.invoke(client.call);
    client.phase = Phase::invoked;
  }

  Text some_value() {
    const std::uint64_t n = workload_.values == 0 ? ++last_value_ : random_.below(workload_.values);
    return history_.intern("v" + std::to_string(n));
  }

  /// Mostly what is there now, so that many a compare-and-swap succeeds.
  Expected some_expectation(const Seen& state) {
    if (!random_.chance(0.7)) return Expected::value_is(some_value());
    if (state.value == absent) return Expected::nothing();
    if (workload_.versions && random_.chance(0.5)) return Expected::version_is(state.version);
    return Expected::value_is(state.value);
  }

  void take_effect(Client& client) {
    client.phase = Phase::in_effect;
    Seen& state = state_[client.key];
    const Call& call = client.call;
    const bool lost = random_.chance(workload_.unknown_share);
    client.reply = {lost ? Outcome::unknown : Outcome::ok};
    if (random_.chance(lost ? 0.5 : workload_.not_applied_share)) {
      if (!lost) client.reply.outcome = Outcome::not_applied;
      return;
    }
    if (call.kind == Kind::get) {
      if (!lost) client.reply.seen = state;
    } else if (call.kind != Kind::cas || matches(call.expected, state)) {
      state = call.value == absent ? Seen{} : Seen{call.value, call.version};
    } else if (!lost) {
      client.reply.outcome = Outcome::failed;
      if (workload_.failed_cas_tells) client.reply.seen = state;
    }
  }

  static bool matches(const Expected& expected, const Seen& state) {
    if (expected.value) return *expected.value == state.value;
    return state.value != absent && expected.version == state.version;
  }

  /// An unknown outcome is sometimes reported and sometimes no answer at all; its client goes on.
  void answer(Client& client) {
    client.phase = Phase::idle;
    if (client.reply.outcome == Outcome::unknown && random_.chance(0.5)) return;
    history_.complete(client.operation, client.reply);
  }

  Workload workload_;
  Random random_;
  History history_;
  std::vector<Client> clients_;
  std::vector<Seen> state_;
  std::vector<Text> keys_;
  std::uint64_t last_value_ = 0;
  Version last_version_ = 0;
};

}  // namespace grey::lincheck
