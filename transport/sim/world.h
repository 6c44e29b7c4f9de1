// A deterministic world: hosts, their loops and the network between them, on virtual time. The same
// seed and the same calls give the same run, event for event; hash() proves it. Nothing in here
// reads a clock, starts a thread or draws a random number from anywhere but the seed.
//
// A test or simulator makes a World, boots loops with transport() or executor(), and steps it.
// Everything runs inside step(); faults may be injected between steps, from the world's own tasks
// (schedule_at()) or from any callback. Streams, listeners and attempts are destroyed before the
// World. Not thread-safe.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "transport/sim/event.h"
#include "transport/sim/options.h"
#include "transport/stream.h"
#include "transport/timed_heap.h"

namespace grey::transport::sim {

class Network;
class SimTransport;

/// "10.0.0.7" for host 7; hosts above 255 count on in the third number.
std::string host_name(HostId host);
/// The host of such a name; 0 if it is none.
HostId parse_host_name(std::string_view name);

/// What the peers of a crashed host see.
enum class PeersSee : std::uint8_t {
  reset,    // the process died and its kernel resets the connections
  end,      // the process died and its kernel closes the connections in good order
  silence,  // the machine is gone: no answer until the restart, a reset after it
};

class World {
 public:
  explicit World(std::uint64_t seed, NetworkOptions network = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Loops.

  /// The first loop of `host`, which boots if it is not running.
  SimTransport& transport(HostId host);
  /// The same for those who need only time, timers and tasks.
  Executor& executor(HostId host);
  /// One more loop on the same host (it crashes, restarts and pauses with the others).
  SimTransport& add_transport(HostId host);

  // Running.

  MonotonicTime now() const noexcept { return now_; }
  /// Dispatches the next event. False if there is none.
  bool step();
  /// Dispatches everything that is due up to `time`, which then is now().
  void run_until(MonotonicTime time);
  void run_for(Duration duration) { run_until(now_ + duration); }
  /// Until `done` holds (checked before the first and after every event); false if it still does
  /// not at `limit` or there is nothing left to happen.
  bool run_until(const std::function<bool()>& done, MonotonicTime limit);
  bool run_until(const std::function<bool()>& done, Duration limit) {
    return run_until(done, now_ + limit);
  }
  /// A task of the world itself, such as a planned fault.
  TimerId schedule_at(MonotonicTime at, Task task) { return push_task(0, 0, at, std::move(task)); }

  // Faults.

  void crash(HostId host, PeersSee peers_see);
  /// Boots a crashed host again, with a fresh loop.
  SimTransport& restart(HostId host);
  bool is_running(HostId host) const;
  /// SIGSTOP and SIGCONT: the kernel goes on receiving and acknowledging, the process does nothing.
  void pause(HostId host);
  void resume(HostId host);
  /// Holds every packet from one host to another (one way), until unblock().
  void block(HostId from, HostId to);
  void unblock(HostId from, HostId to);
  bool is_blocked(HostId from, HostId to) const;
  /// Blocks every pair between the two groups, both ways.
  void partition(const std::vector<HostId>& left, const std::vector<HostId>& right);
  /// Unblocks everything.
  void heal();
  /// Holds what travels from one host to another for so long, then lets it go.
  void clog(HostId from, HostId to, Duration duration);
  /// Resets every connection between the two hosts, on both sides.
  void reset_connections(HostId a, HostId b);
  /// Moves the host's Unix clock (not its monotonic one) to so much beside the world's.
  void set_unix_skew(HostId host, Duration skew);

  const NetworkOptions& network_options() const noexcept { return options_; }
  void set_network_options(const NetworkOptions& options) { options_ = options; }
  /// Other options for what travels from one host to another.
  void set_link_options(HostId from, HostId to, const NetworkOptions& options);
  /// The time a message sent now would take, for those who bring their own message layer.
  Duration sample_latency(HostId from, HostId to);

  // Evidence.

  const FaultCounters& faults() const noexcept { return faults_; }
  std::uint64_t event_count() const noexcept { return event_count_; }
  /// A hash of every event so far: kind, host, time and size.
  std::uint64_t hash() const noexcept { return hash_; }
  /// An independent source of randomness for the inhabitants.
  Random fork_random() { return random_.fork(); }

 private:
  friend class Network;
  friend class SimTransport;

  struct Host {
    bool running = false;    // the process
    bool kernel_up = false;  // the machine
    bool paused = false;
    std::uint32_t boots = 0;
    Duration unix_skew{0};
    std::vector<std::unique_ptr<SimTransport>> loops;
    std::vector<TimedHeap<Event>::Id> delayed;  // by a pause
  };

  Host& host(HostId id);
  const Host* find_host(HostId id) const;
  bool is_runnable(HostId id) const;
  TimerId push_task(HostId host, std::uint32_t loop, MonotonicTime at, Task task);
  bool cancel_task(HostId host, TimerId id);
  TimedHeap<Event>::Id push(MonotonicTime at, Event event);
  bool next_is_due(MonotonicTime limit);
  void dispatch();
  void note(const Event& event);

  NetworkOptions options_;
  FaultCounters faults_;
  Random random_;
  MonotonicTime now_;
  std::uint64_t event_count_ = 0;
  std::uint64_t hash_;
  bool dispatching_ = false;
  TimedHeap<Event> events_;
  std::vector<Host> hosts_;
  std::vector<std::unique_ptr<SimTransport>> dead_loops_;
  std::unique_ptr<Network> network_;
};

}  // namespace grey::transport::sim
