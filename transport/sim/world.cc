#include "transport/sim/world.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/hash.h"
#include "transport/sim/network.h"
#include "transport/sim/sim_transport.h"

namespace grey::transport::sim {
namespace {

// Not 0, so that a forgotten time stands out.
constexpr MonotonicTime beginning{std::chrono::hours(1)};
constexpr std::int64_t unix_beginning_ns = 1'750'000'000'000'000'000;

}  // namespace

std::string host_name(HostId host) {
  return "10.0." + std::to_string(host >> 8) + "." + std::to_string(host & 255);
}

HostId parse_host_name(std::string_view name) {
  constexpr std::string_view prefix = "10.0.";
  if (!name.starts_with(prefix)) return 0;
  unsigned high = 0;
  unsigned low = 0;
  const char* const end = name.data() + name.size();
  const auto first = std::from_chars(name.data() + prefix.size(), end, high);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return 0;
  const auto second = std::from_chars(first.ptr + 1, end, low);
  if (second.ec != std::errc() || second.ptr != end || high > 255 || low > 255) return 0;
  return high << 8 | low;
}

World::World(std::uint64_t seed, NetworkOptions network)
    : options_(network), random_(seed), now_(beginning), hash_(seed), hosts_(1) {
  hosts_[0].running = true;
  network_ = std::make_unique<Network>(*this);
}

World::~World() {
  for (HostId id = 1; id < hosts_.size(); ++id) {
    if (hosts_[id].running) crash(id, PeersSee::silence);
  }
  // Tasks may own streams: they go while the network is still there.
  while (!events_.remove_if([](const Event&) { return true; }).empty()) continue;
}

World::Host& World::host(HostId id) {
  if (id >= hosts_.size()) hosts_.resize(id + 1);
  return hosts_[id];
}

const World::Host* World::find_host(HostId id) const {
  return id < hosts_.size() ? &hosts_[id] : nullptr;
}

bool World::is_runnable(HostId id) const {
  const Host* h = find_host(id);
  return h != nullptr && h->running && !h->paused;
}

bool World::is_running(HostId id) const {
  const Host* h = find_host(id);
  return h != nullptr && h->running;
}

SimTransport& World::transport(HostId id) {
  GREY_CHECK(id != 0);
  if (!host(id).running) {
    Host& h = host(id);
    h.running = true;
    if (++h.boots > 1) ++faults_.restarts;
    add_transport(id);
    if (!h.kernel_up) {
      h.kernel_up = true;
      network_->host_is_up(id);
    }
  }
  return *hosts_[id].loops.front();
}

Executor& World::executor(HostId id) { return transport(id); }

SimTransport& World::add_transport(HostId id) {
  Host& h = host(id);
  GREY_CHECK(h.running);
  const auto index = static_cast<std::uint32_t>(h.loops.size());
  h.loops.push_back(std::make_unique<SimTransport>(*this, id, index));
  return *h.loops.back();
}

// What is due for a paused host is set aside on the way.
bool World::next_is_due(MonotonicTime limit) {
  while (!events_.empty() && events_.top_time() <= limit && events_.top_time() != never) {
    const Event& next = events_.top();
    if (!is_process_event(next.kind) || !hosts_[next.host].paused) return true;
    ++faults_.callbacks_delayed_by_pauses;
    hosts_[next.host].delayed.push_back(events_.detach_top());
  }
  return false;
}

void World::dispatch() {
  GREY_CHECK(!dispatching_);
  dispatching_ = true;
  now_ = std::max(now_, events_.top_time());
  Event event = events_.pop();
  note(event);
  if (event.kind == EventKind::task) {
    event.task();
  } else {
    network_->handle(std::move(event));
  }
  dispatching_ = false;
}

bool World::step() {
  if (!next_is_due(never)) return false;
  dispatch();
  return true;
}

void World::run_until(MonotonicTime time) {
  while (next_is_due(time)) dispatch();
  now_ = std::max(now_, time);
}

bool World::run_until(const std::function<bool()>& done, MonotonicTime limit) {
  while (!done()) {
    if (!next_is_due(limit)) {
      if (limit != never) now_ = std::max(now_, limit);
      return false;
    }
    dispatch();
  }
  return true;
}

void World::note(const Event& event) {
  const std::uint64_t fields[] = {
      static_cast<std::uint64_t>(event.kind) | static_cast<std::uint64_t>(event.side) << 8 |
          static_cast<std::uint64_t>(event.host) << 32,
      static_cast<std::uint64_t>(now_.time_since_epoch().count()), event.size};
  hash_ = xxh3_64({reinterpret_cast<const char*>(fields), sizeof fields}, hash_);
  ++event_count_;
}

TimedHeap<Event>::Id World::push(MonotonicTime at, Event event) {
  return events_.push(at, std::move(event));
}

TimerId World::push_task(HostId id, std::uint32_t loop, MonotonicTime at, Task task) {
  Event event;
  event.host = id;
  event.size = loop;
  event.task = std::move(task);
  return push(at, std::move(event));
}

bool World::cancel_task(HostId id, TimerId timer) {
  const Event* event = events_.get(timer);
  if (event == nullptr || event->kind != EventKind::task || event->host != id) return false;
  return events_.remove(timer).has_value();
}

void World::crash(HostId id, PeersSee peers_see) {
  Host& h = host(id);
  GREY_CHECK(id != 0 && h.running);
  ++faults_.crashes;
  h.running = false;
  h.paused = false;
  h.kernel_up = peers_see != PeersSee::silence;
  h.unix_skew = Duration(0);
  h.delayed.clear();
  for (auto& loop : h.loops) {
    loop->dead_ = true;
    dead_loops_.push_back(std::move(loop));
  }
  h.loops.clear();
  // Destroyed last: what they own may call the dead loops and the network.
  const auto lost =
      events_.remove_if([id](const Event& e) { return e.host == id && is_process_event(e.kind); });
  faults_.tasks_lost_in_crashes += static_cast<std::uint64_t>(std::count_if(
      lost.begin(), lost.end(), [](const Event& e) { return e.kind == EventKind::task; }));
  network_->crash(id, peers_see);
}

SimTransport& World::restart(HostId id) {
  GREY_CHECK(!is_running(id));
  return transport(id);
}

void World::pause(HostId id) {
  GREY_CHECK(is_running(id));
  if (!std::exchange(host(id).paused, true)) ++faults_.pauses;
}

void World::resume(HostId id) {
  Host& h = host(id);
  h.paused = false;
  for (const auto event : std::exchange(h.delayed, {})) events_.reattach(event);
}

void World::block(HostId from, HostId to) { network_->block(from, to); }
void World::unblock(HostId from, HostId to) { network_->unblock(from, to); }
bool World::is_blocked(HostId from, HostId to) const { return network_->is_blocked(from, to); }
void World::heal() { network_->heal(); }

void World::partition(const std::vector<HostId>& left, const std::vector<HostId>& right) {
  for (const HostId l : left) {
    for (const HostId r : right) {
      block(l, r);
      block(r, l);
    }
  }
}

void World::clog(HostId from, HostId to, Duration duration) { network_->clog(from, to, duration); }
void World::reset_connections(HostId a, HostId b) { network_->reset_connections(a, b); }

void World::set_unix_skew(HostId id, Duration skew) {
  ++faults_.clock_jumps;
  host(id).unix_skew = skew;
}

void World::set_link_options(HostId from, HostId to, const NetworkOptions& options) {
  network_->set_link_options(from, to, options);
}

Duration World::sample_latency(HostId from, HostId to) {
  return network_->sample_latency(from, to);
}

// SimTransport.

MonotonicTime SimTransport::now() const { return world_.now(); }

std::int64_t SimTransport::unix_time_ns() const {
  const Duration skew = dead_ ? Duration(0) : world_.find_host(host_)->unix_skew;
  return unix_beginning_ns + (world_.now() - beginning + skew).count();
}

void SimTransport::post(Task task) {
  if (!dead_) world_.push_task(host_, index_, world_.now(), std::move(task));
}

TimerId SimTransport::schedule_at(MonotonicTime at, Task task) {
  return dead_ ? 0 : world_.push_task(host_, index_, at, std::move(task));
}

bool SimTransport::cancel(TimerId id) { return !dead_ && world_.cancel_task(host_, id); }

Result<std::unique_ptr<Listener>> SimTransport::listen(const Endpoint& endpoint,
                                                       AcceptCallback on_accept) {
  if (dead_) return fail(ErrorCode::transport_io, "the simulated host has crashed");
  return world_.network_->listen(*this, endpoint, std::move(on_accept));
}

std::unique_ptr<ConnectAttempt> SimTransport::connect(const Endpoint& endpoint,
                                                      MonotonicTime deadline,
                                                      ConnectCallback done) {
  if (dead_) return std::make_unique<ConnectAttempt>();
  return world_.network_->connect(*this, endpoint, deadline, std::move(done));
}

}  // namespace grey::transport::sim
