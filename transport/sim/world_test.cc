#include "transport/sim/world.h"

#include <gtest/gtest.h>

#include "transport/sim/sim_transport.h"
#include "transport/sim/test_peer.h"

namespace grey::transport::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(World, HostNamesRoundTrip) {
  for (const HostId host : {1u, 7u, 255u, 256u, 1000u, 65535u}) {
    EXPECT_EQ(parse_host_name(host_name(host)), host);
  }
  for (const char* bad : {"", "10.0.0", "10.0.0.", "10.0.0.256", "10.1.0.1", "10.0.0.1x", "::1"}) {
    EXPECT_EQ(parse_host_name(bad), 0u) << bad;
  }
}

TEST(World, TimeStandsStillDuringAnEventAndJumpsToTheNext) {
  World world(1);
  Executor& loop = world.executor(1);
  const MonotonicTime start = loop.now();
  std::vector<int> order;
  loop.schedule_after(seconds(5), [&] {
    order.push_back(2);
    EXPECT_EQ(loop.now(), start + seconds(5));
  });
  loop.post([&] { order.push_back(1); });
  const TimerId cancelled = loop.schedule_after(seconds(1), [&] { order.push_back(9); });
  EXPECT_TRUE(loop.cancel(cancelled));
  EXPECT_FALSE(loop.cancel(cancelled));
  world.run_for(seconds(10));
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_EQ(loop.now(), start + seconds(10));
}

TEST(World, RunUntilStopsAtThePredicateOrTheLimit) {
  World world(1);
  int ticks = 0;
  std::function<void()> tick = [&] {
    ++ticks;
    world.executor(1).schedule_after(seconds(1), tick);
  };
  tick();
  EXPECT_TRUE(world.run_until([&] { return ticks == 4; }, seconds(100)));
  EXPECT_EQ(ticks, 4);
  EXPECT_FALSE(world.run_until([&] { return ticks == 400; }, seconds(10)));
  EXPECT_EQ(ticks, 14);
  World idle(1);
  EXPECT_FALSE(idle.run_until([] { return false; }, never));
  EXPECT_FALSE(idle.step());
}

TEST(World, CrashDropsTasksAndTimersWithoutRunningThem) {
  World world(1);
  auto token = std::make_shared<int>(0);
  const auto touch = [token] { ++*token; };
  SimTransport& loop = world.transport(1);
  loop.post(touch);
  loop.schedule_after(seconds(1), touch);
  EXPECT_GT(token.use_count(), 2);
  world.crash(1, PeersSee::silence);
  EXPECT_EQ(token.use_count(), 2);  // ours and touch's
  loop.post(touch);                 // what is left of the process shouts into the void
  EXPECT_EQ(loop.schedule_after(seconds(1), touch), 0u);
  EXPECT_TRUE(loop.is_dead());
  SimTransport& fresh = world.restart(1);
  EXPECT_NE(&fresh, &loop);
  fresh.post(touch);
  world.run_for(seconds(5));
  EXPECT_EQ(*token, 1);
  EXPECT_EQ(world.faults().tasks_lost_in_crashes, 2u);
  EXPECT_EQ(world.faults().restarts, 1u);
}

TEST(World, APausedHostDoesNothingUntilItResumesAndThenGoesOnInOrder) {
  World world(1);
  Executor& loop = world.executor(1);
  const MonotonicTime start = loop.now();
  std::vector<int> order;
  loop.schedule_at(start + seconds(2), [&] { order.push_back(2); });
  const TimerId third = loop.schedule_at(start + seconds(3), [&] { order.push_back(3); });
  loop.schedule_at(start + seconds(1), [&] {
    order.push_back(1);
    EXPECT_EQ(loop.now(), start + seconds(10));
    EXPECT_TRUE(loop.cancel(third));
  });
  world.pause(1);
  world.executor(2).schedule_after(seconds(4), [&] { order.push_back(20); });
  world.run_for(seconds(10));
  EXPECT_EQ(order, (std::vector<int>{20}));
  world.resume(1);
  world.run_for(seconds(1));
  EXPECT_EQ(order, (std::vector<int>{20, 1, 2}));
  EXPECT_EQ(world.faults().callbacks_delayed_by_pauses, 3u);
}

TEST(World, UnixClocksOfHostsCanDisagree) {
  World world(1);
  SimTransport& one = world.transport(1);
  SimTransport& two = world.transport(2);
  EXPECT_EQ(one.unix_time_ns(), two.unix_time_ns());
  world.set_unix_skew(2, -seconds(3));
  EXPECT_EQ(one.unix_time_ns() - two.unix_time_ns(), Duration(seconds(3)).count());
  EXPECT_EQ(one.now(), two.now());
}

// A busy little town under every fault; returns the hash of its history.
std::uint64_t history(std::uint64_t seed) {
  NetworkOptions network = NetworkOptions::hostile();
  network.reset_chance = 0.002;
  network.bit_flip_chance = 0.01;
  World world(seed, network);
  Random random = world.fork_random();
  std::vector<std::unique_ptr<Server>> servers;
  std::vector<std::unique_ptr<Client>> clients;
  for (HostId host = 1; host <= 3; ++host) {
    servers.push_back(std::make_unique<Server>(world.transport(host), 7));
  }
  for (int round = 0; round < 30; ++round) {
    const auto host = static_cast<HostId>(1 + random.below(3));
    clients.push_back(std::make_unique<Client>(world.transport(10 + host), host_name(host), 7));
    clients.back()->send_when_connected(Bytes(random.below(100'000), 'x'));
    world.run_for(milliseconds(random.below(20)));
    if (random.chance(0.2)) world.clog(host, 10 + host, milliseconds(50));
    if (random.chance(0.2)) world.block(10 + host, host);
    if (random.chance(0.2)) world.heal();
    if (random.chance(0.2)) {
      servers[host - 1].reset();
      world.crash(host, random.chance(0.5) ? PeersSee::reset : PeersSee::silence);
      world.run_for(milliseconds(5));
      servers[host - 1] = std::make_unique<Server>(world.restart(host), 7);
    }
  }
  world.run_for(seconds(30));
  return world.hash();
}

TEST(World, TheSameSeedGivesTheSameHistory) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const std::uint64_t first = history(seed);
    EXPECT_EQ(first, history(seed)) << seed;
    EXPECT_NE(first, history(seed + 1000)) << seed;
  }
}

TEST(World, CountersPrintByName) {
  World world(1);
  world.transport(1);
  world.crash(1, PeersSee::end);
  EXPECT_NE(world.faults().to_string().find(" crashes=1 "), std::string::npos);
}

}  // namespace
}  // namespace grey::transport::sim
