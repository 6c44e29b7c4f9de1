#include "tests/cluster/history_clients.h"

#include <string>

#include <grey/error.h>

namespace grey::cluster_test {

namespace {

using boost::system::error_code;

sim::EventOutcome outcome_of(const error_code& ec, bool reads) {
  if (!ec) return sim::EventOutcome::applied;
  if (ec == errc::precondition_failed) return sim::EventOutcome::mismatched;
  if (reads || ec == errc::outcome_unknown) return sim::EventOutcome::unknown;
  return sim::EventOutcome::not_applied;
}

}  // namespace

HistoryClients::HistoryClients(const Scene& scene, std::size_t clients, std::uint32_t keys,
                               std::uint64_t seed)
    : scene_(scene), keys_(keys) {
  for (std::uint32_t i = 0; i < clients; ++i) {
    workers_.push_back(std::make_unique<Worker>());
    Worker& worker = *workers_.back();
    worker.thread = std::thread([this, &worker, i, seed] { work(worker, i, seed); });
  }
}

void HistoryClients::stop() {
  running_ = false;
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

sim::History HistoryClients::history() const {
  sim::History all;
  for (const auto& worker : workers_) {
    all.insert(all.end(), worker->events.begin(), worker->events.end());
  }
  return all;
}

void HistoryClients::work(Worker& worker, std::uint32_t number, std::uint64_t seed) {
  SyncClient client(scene_.client_options());
  Random random(seed + number);
  std::uint64_t last_value = 0;
  std::vector<std::uint64_t> last_seen(keys_, 0);
  while (running_) {
    worker.events.push_back(one(client, random, number, last_value, last_seen));
    ++operations_;
    const sim::EventOutcome outcome = worker.events.back().outcome;
    if (outcome == sim::EventOutcome::unknown) ++unknown_;
    if (outcome == sim::EventOutcome::not_applied) ++refused_;
  }
}

sim::HistoryEvent HistoryClients::one(SyncClient& client, Random& random, std::uint32_t number,
                                      std::uint64_t& last_value,
                                      std::vector<std::uint64_t>& last_seen) {
  sim::HistoryEvent event;
  event.client = number;
  event.key = static_cast<std::uint32_t>(random.below(keys_));
  const std::string key = "history/" + std::to_string(event.key);
  const std::uint64_t fresh = (number + 1) * 1'000'000'000ull + ++last_value;
  const std::uint64_t kind = random.below(10);
  error_code ec;
  event.invoked = scene_.clock.now();
  if (kind < 4) {
    event.kind = sim::EventKind::get;
    const GetResult got = client.get(key, ec);
    if (!ec) event.seen = std::stoull(got.value);
    if (ec == errc::not_found) ec = {};
    if (!ec) last_seen[event.key] = event.seen;
  } else if (kind < 7) {
    event.kind = sim::EventKind::put;
    event.written = fresh;
    client.put(key, std::to_string(fresh), ec);
  } else if (kind < 8) {
    event.kind = sim::EventKind::remove;
    client.remove(key, ec);
  } else {
    event.kind = sim::EventKind::cas;
    event.written = fresh;
    event.expected = last_seen[event.key];
    const Expect expect =
        event.expected == 0 ? Expect::absent() : Expect::value(std::to_string(event.expected));
    client.cas(key, expect, std::to_string(fresh), ec);
  }
  event.outcome = outcome_of(ec, event.kind == sim::EventKind::get);
  // An unknown outcome may still come about: it has no return.
  if (event.outcome != sim::EventOutcome::unknown) event.returned = scene_.clock.now();
  return event;
}

}  // namespace grey::cluster_test
