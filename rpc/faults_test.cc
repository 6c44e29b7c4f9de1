// Connections that are cut, corrupted, frozen or destroyed at every step: each call is completed
// exactly once, nothing is left over, and what is said about `sent` is true.
#include "rpc/testing/fixture.h"

namespace grey::rpc {
namespace {

using namespace testing;
using transport::sim::PeersSee;

// A run with calls of all kinds that goes on for a number of events.
struct Scenario : RpcWorld {
  void begin() {
    start_server();
    start_channel();
    make_calls();
  }
  void make_calls() {
    for (int i = 0; i < 10; ++i) {
      const std::uint32_t m = i % 4 == 0 ? method::hold : i % 4 == 1 ? method::fail : method::echo;
      const Bytes body = text(Bytes(i == 6 ? 600'000 : 100, 'x'));
      ids.push_back(call(m, body, next++, 2s));
    }
    channel->cancel(ids[ids.size() - 3]);
  }
  void run_steps(int steps) {
    for (int i = 0; i < steps && world.step(); ++i) {
      if (channel != nullptr && i % 7 == 3 && next < 60) make_calls();
      if (i % 5 == 0 && !handler.held.empty()) (void)handler.answer_held(0);
    }
  }
  void expect_all_ended() {
    // The limit of every call, and a little for a connection that lingers.
    world.run_for(5s);
    EXPECT_EQ(sink.ended.size(), next);
    EXPECT_EQ(channel->calls_outstanding(), 0u);
  }

  std::uint64_t next = 0;
  std::vector<CallId> ids;
};

// Plays the scenario once for each step, in a fresh world, and lets `fault` strike after it.
template <typename Fault>
void at_every_step(Fault fault) {
  for (int step = 0; step < 160; ++step) {
    SCOPED_TRACE(step);
    Scenario scenario;
    fault(scenario, step);
    if (::testing::Test::HasFailure()) return;
  }
}

class Faults : public RpcTest {};

TEST(FaultsAtEveryStep, AResetEndsEveryCallOnce) {
  at_every_step([](Scenario& run, int step) {
    run.begin();
    run.run_steps(step);
    run.world.reset_connections(1, 2);
    run.expect_all_ended();
    EXPECT_TRUE(run.channel->is_connected()) << "and it has connected again";
  });
}

TEST(FaultsAtEveryStep, ACrashOfTheServerEndsEveryCallOnce) {
  for (const PeersSee see : {PeersSee::reset, PeersSee::end, PeersSee::silence}) {
    SCOPED_TRACE(static_cast<int>(see));
    at_every_step([see](Scenario& run, int step) {
      run.channel_options.connection.ping_interval = 500ms;
      run.begin();
      run.run_steps(step);
      run.world.crash(2, see);
      run.handler.held.clear();
      run.server.reset();
      run.expect_all_ended();
      EXPECT_FALSE(run.channel->is_connected());
    });
  }
}

TEST(FaultsAtEveryStep, DestroyingTheChannelEndsEveryCallOnce) {
  at_every_step([](Scenario& run, int step) {
    run.begin();
    run.run_steps(step);
    run.channel.reset();
    EXPECT_EQ(run.sink.ended.size(), run.next) << "before the destructor returns";
    run.world.run_for(5s);
    EXPECT_EQ(run.server->connection_count(), 0u);
  });
}

TEST(FaultsAtEveryStep, DestroyingTheServerEndsEveryCallOnce) {
  at_every_step([](Scenario& run, int step) {
    run.begin();
    run.run_steps(step);
    run.server.reset();
    while (!run.handler.held.empty()) {
      EXPECT_FALSE(run.handler.held[0].second.is_wanted());
      (void)run.handler.answer_held(0);
    }
    run.expect_all_ended();
  });
}

TEST(FaultsAtEveryStep, AFrozenServerIsNoticedAndEndsEveryCallOnce) {
  at_every_step([](Scenario& run, int step) {
    run.channel_options.connection.ping_interval = 100ms;
    run.channel_options.connection.liveness_timeout = 300ms;
    run.begin();
    run.run_steps(step);
    run.world.pause(2);
    const MonotonicTime frozen = run.world.now();
    run.world.run_until([&] { return run.sink.ended.size() == run.next; }, 5s);
    EXPECT_EQ(run.sink.ended.size(), run.next);
    EXPECT_LE(run.world.now(), frozen + 2s + 10ms) << "no later than the deadlines";
    run.world.run_for(1s);
    EXPECT_FALSE(run.channel->is_connected());
    run.world.resume(2);
    EXPECT_TRUE(run.world.run_until([&] { return run.channel->is_connected(); }, 20s));
  });
}

// From within any completion or request, the owner destroys everything.
TEST(FaultsAtEveryStep, DestroyingFromACallbackIsSafe) {
  at_every_step([](Scenario& run, int step) {
    int replies_left = step % 20;
    run.sink.after_reply = [&](std::uint64_t) {
      if (replies_left-- == 0) run.channel.reset();
    };
    int requests_left = step / 8;
    run.handler.after_request = [&] {
      if (requests_left-- == 0) run.server.reset();
    };
    run.begin();
    run.run_steps(300);
    run.world.run_for(5s);
    EXPECT_EQ(run.sink.ended.size(), run.next);
  });
}

// What `sent = false` promises: the server has not seen it.
TEST_F(Faults, NotSentMeansNeverSeen) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    transport::sim::World fresh(seed, transport::sim::NetworkOptions::hostile());
    struct Noting final : RequestHandler {
      void on_request(const IncomingRequest& request, Responder responder) override {
        seen.insert(Bytes(request.body));
        if (seen.size() % 3 != 0) (void)responder.answer({request.body, {}});
      }
      void on_oneway(const IncomingOneway&) override {}
      void on_cancel(std::uint64_t, ErrorCode) override {}
      std::set<Bytes> seen;
    } noting;
    server_options.session.lanes[1].credit_messages = 8;  // so that some wait for credit
    Server noting_server(fresh.transport(2), server_options, noting);
    ASSERT_TRUE(noting_server.listen({"0.0.0.0", port}));
    Channel noted(fresh.transport(1), channel_options);
    noted.start();
    Random random(seed);
    RecordingSink ends;
    std::uint64_t made = 0;
    for (int i = 0; i < 200; ++i) {
      for (int j = 0; j < 20; ++j) {
        noted.call({.method = 1, .deadline = fresh.now() + random.between(1ms, 500ms)},
                   {text(std::to_string(made)), {}}, ends, made);
        ++made;
      }
      fresh.run_for(random.between(0ms, 20ms));
      if (random.chance(0.02)) fresh.reset_connections(1, 2);
    }
    fresh.run_for(10s);
    ASSERT_EQ(ends.ended.size(), made) << "seed " << seed;
    std::size_t unsent = 0;
    for (const auto& [cookie, end] : ends.ended) {
      if (end.sent) continue;
      ++unsent;
      EXPECT_FALSE(noting.seen.contains(text(std::to_string(cookie)))) << "seed " << seed;
    }
    EXPECT_GT(unsent, 0u);
    EXPECT_GT(ends.count(ErrorCode::ok), 0u);
  }
}

// A process that was frozen finds its deadlines behind it, and among what has happened meanwhile
// the end of the stream: both must be dealt with in a few steps.
TEST_F(Faults, AThawedConnectionWhoseLingerHasPassedComesToItsEnd) {
  connect();
  world.block(2, 1);
  for (std::uint64_t i = 0; i < 40; ++i) call(method::swell, text("x"), i);
  world.run_for(100ms);
  server->close();  // its last words wait behind what the window does not take
  world.run_for(100ms);
  ASSERT_EQ(server->connection_count(), 1u);
  world.pause(2);
  world.run_for(300ms);
  world.reset_connections(1, 2);
  world.run_for(2s);
  world.resume(2);
  for (int steps = 0; steps < 10'000 && server->connection_count() > 0; ++steps) world.step();
  EXPECT_EQ(server->connection_count(), 0u);
}

// Corruption on the wire ends connections, never a wrong answer.
TEST_F(Faults, FlippedBitsNeverReachACallerOrAHandler) {
  transport::sim::NetworkOptions network;
  network.bit_flip_chance = 0.01;
  channel_options.backoff.cap = 20ms;
  transport::sim::World noisy(5, network);
  Server noisy_server(noisy.transport(2), server_options, handler);
  ASSERT_TRUE(noisy_server.listen({"0.0.0.0", port}));
  Channel noted(noisy.transport(1), channel_options);
  noted.start();
  std::uint64_t made = 0;
  for (int i = 0; i < 3000; ++i) {
    noted.call({.method = method::echo, .deadline = noisy.now() + 1s},
               {text(std::to_string(made)), {}}, sink, made);
    ++made;
    noisy.run_for(5ms);
  }
  noisy.run_for(5s);
  ASSERT_EQ(sink.ended.size(), made);
  for (const auto& [cookie, end] : sink.ended) {
    if (end.code == ErrorCode::ok) {
      EXPECT_EQ(end.body, text(std::to_string(cookie)));
    }
  }
  EXPECT_GT(noisy.faults().bit_flips, 20u);
  EXPECT_GT(noted.state().connections, 5u);
  EXPECT_GT(sink.count(ErrorCode::ok), made / 2);
}

}  // namespace
}  // namespace grey::rpc
