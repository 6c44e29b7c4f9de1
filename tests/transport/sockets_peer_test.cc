// Real sockets only: peers that are not transports, other threads, and the machine's limits.
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "tests/transport/raw_socket.h"
#include "tests/transport/scene.h"

namespace grey::transport {
namespace {

using std::chrono::milliseconds;

TEST_P(SocketConformance, EverythingMayBeUsedBeforeTheLoopRuns) {
  std::vector<int> order;
  Scene scene(GetParam());
  auto listener =
      scene.loop().listen({scene.lab->host(), 0}, [&scene](std::unique_ptr<Stream> stream) {
        scene.accepted.push_back(std::make_unique<Recorder>());
        make_echo(scene.last_accepted());
        scene.last_accepted().adopt(std::move(stream));
      });
  ASSERT_TRUE(listener.has_value());
  Recorder& client = scene.connect_from_loop((*listener)->local_endpoint());
  client.send("early");
  scene.listeners.push_back(std::move(*listener));
  scene.loop().schedule_after(Duration(0), [&order] { order.push_back(0); });
  scene.loop().post([&order] { order.push_back(1); });
  scene.loop().post_from_any_thread([&order] { order.push_back(1); });
  EXPECT_TRUE(order.empty());
  EXPECT_TRUE(scene.wait([&] { return client.received == "early" && order.size() == 3; }));
}

TEST_P(SocketConformance, TasksPostedFromManyThreadsAllRunAndKeepEachThreadsOrder) {
  constexpr int threads = 4;
  constexpr int tasks = 5000;
  std::vector<int> next(threads, 0);
  Scene scene(GetParam());
  std::vector<std::thread> posters;
  for (int t = 0; t < threads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < tasks; ++i) {
        scene.loop().post_from_any_thread([&, t, i] {
          EXPECT_EQ(next[static_cast<std::size_t>(t)], i);
          next[static_cast<std::size_t>(t)] = i + 1;
        });
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  EXPECT_TRUE(scene.wait([&] { return next == std::vector<int>(threads, tasks); }));
}

TEST_P(SocketConformance, ASlowPeerWithTinyBuffersGetsEverythingAndStopsTheSenderMeanwhile) {
  const Bytes expected = noise(12'000'000, 1);
  Scene scene(GetParam());
  const Endpoint at = scene.listen();
  const RawSocket peer = RawSocket::connect(at, 4096);
  ASSERT_TRUE(scene.wait([&] { return scene.accepted.size() == 1; }));
  scene.run([&] {
    scene.last_accepted().send(expected);
    scene.last_accepted().finish();
  });
  Bytes got = peer.read(100'000);
  scene.run([&] { EXPECT_EQ(scene.last_accepted().sent, 0); });
  got += peer.read(expected.size());
  EXPECT_TRUE(got == expected);
  EXPECT_TRUE(peer.at_end());
  peer.shutdown_send();
  EXPECT_TRUE(scene.wait([&] { return scene.last_accepted().closed.has_value(); }));
  EXPECT_EQ(scene.last_accepted().close_code(), ErrorCode::peer_closed);
}

TEST_P(SocketConformance, BytesThatArriveOneByOneAllArrive) {
  const Bytes expected = noise(3000, 2);
  Scene scene(GetParam());
  const RawSocket peer = RawSocket::connect(scene.listen(), 2048);
  for (const char byte : expected) ASSERT_TRUE(peer.write({&byte, 1}));
  peer.shutdown_send();
  ASSERT_TRUE(
      scene.wait([&] { return scene.accepted.size() == 1 && scene.last_accepted().ended; }));
  scene.run([&] { EXPECT_TRUE(scene.last_accepted().received == expected); });
}

TEST_P(SocketConformance, ConnectsToAPlainListenerAndSeesItsReset) {
  Scene scene(GetParam());
  RawSocket listener = RawSocket::listen(5);
  Recorder* client = nullptr;
  scene.run([&] {
    client = &scene.connect_from_loop(listener.local_endpoint());
    client->send("hello");
  });
  RawSocket peer = listener.accept();
  EXPECT_EQ(peer.read(5), "hello");
  peer.reset();
  ASSERT_TRUE(scene.wait([&] { return client->closed.has_value(); }));
  EXPECT_EQ(client->close_code(), ErrorCode::connection_reset);
}

TEST_P(SocketConformance, PeersThatHangUpWhileBeingAcceptedDoNoHarm) {
  Scene scene(GetParam());
  const Endpoint at = scene.listen_echo();
  for (int i = 0; i < 200; ++i) RawSocket::connect(at).reset();
  Recorder& client = scene.connect(at);
  scene.run([&] { client.send("fine"); });
  EXPECT_TRUE(scene.wait([&] { return client.received == "fine"; }));
}

TEST_P(SocketConformance, APortInUseByAnotherProgramIsNamed) {
  Scene scene(GetParam());
  const RawSocket other = RawSocket::listen(1);
  scene.run([&] {
    const auto listener =
        scene.loop().listen(other.local_endpoint(), [](std::unique_ptr<Stream>) {});
    ASSERT_FALSE(listener.has_value());
    EXPECT_EQ(listener.error().code, ErrorCode::address_in_use);
    EXPECT_NE(listener.error().detail.find(other.local_endpoint().to_string()), std::string::npos);
  });
}

TEST_P(SocketConformance, AnAddressOfAnotherMachineCannotBeListenedOn) {
  Scene scene(GetParam());
  scene.run([&] {
    const auto listener = scene.loop().listen({"192.0.2.1", 0}, [](std::unique_ptr<Stream>) {});
    ASSERT_FALSE(listener.has_value());
    EXPECT_EQ(listener.error().code, ErrorCode::address_invalid);
  });
}

TEST_P(SocketConformance, Ipv6LoopbackWorksWhereThereIsOne) {
  Scene scene(GetParam());
  Result<std::unique_ptr<Listener>> listener = fail(ErrorCode::transport_io);
  scene.run([&] {
    listener = scene.loop().listen({"::1", 0}, [&](std::unique_ptr<Stream> stream) {
      scene.accepted.push_back(std::make_unique<Recorder>());
      make_echo(scene.last_accepted());
      scene.last_accepted().adopt(std::move(stream));
    });
    if (listener) scene.listeners.push_back(std::move(*listener));
  });
  ASSERT_EQ(!scene.listeners.empty(), has_ipv6_loopback());
  if (scene.listeners.empty()) return;
  const Endpoint at = scene.listeners[0]->local_endpoint();
  EXPECT_EQ(at.host, "::1");
  Recorder& client = scene.connect(at);
  scene.run([&] {
    EXPECT_EQ(client.stream().peer_address(), at.to_string());
    client.send("six");
  });
  EXPECT_TRUE(scene.wait([&] { return client.received == "six"; }));
}

// Lowers the limit of descriptors to a few above what is open, while it lives.
class FewDescriptors {
 public:
  FewDescriptors() {
    getrlimit(RLIMIT_NOFILE, &old_);
    const int next = ::dup(0);
    ::close(next);
    rlimit tight = old_;
    tight.rlim_cur = static_cast<rlim_t>(next) + 30;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  }
  ~FewDescriptors() {
    give_back(taken_.size());
    setrlimit(RLIMIT_NOFILE, &old_);
  }
  void take_all() {
    for (int fd; (fd = ::dup(0)) >= 0;) taken_.push_back(fd);
  }
  void give_back(std::size_t count) {
    for (; count > 0; --count) {
      ::close(taken_.back());
      taken_.pop_back();
    }
  }

 private:
  rlimit old_{};
  std::vector<int> taken_;
};

TEST_P(SocketConformance, RunningOutOfDescriptorsIsSurvived) {
  int ticks = 0;
  std::function<void()> tick;
  Scene scene(GetParam());
  FewDescriptors few;  // before listening: io_uring notes the limit when it begins to accept
  const Endpoint at = scene.listen_echo();
  Recorder& before = scene.connect(at);
  few.take_all();
  few.give_back(1);
  RawSocket waiting = RawSocket::connect(at);  // the kernel completes it, nobody can accept it
  ASSERT_TRUE(waiting.valid());
  tick = [&] {
    if (++ticks < 50) scene.loop().schedule_after(milliseconds(1), tick);
  };
  scene.run(tick);
  EXPECT_TRUE(scene.wait([&] { return ticks >= 50; }));
  scene.run([&] {
    EXPECT_EQ(scene.accepted.size(), 1u);
    before.send("existing connections go on");
  });
  EXPECT_TRUE(scene.wait([&] { return before.received == "existing connections go on"; }));
  few.give_back(10);
  EXPECT_TRUE(waiting.write("now"));
  EXPECT_EQ(waiting.read(3), "now");
}

TEST_P(SocketConformance, LoopsOnTwoThreadsTalkToEachOther) {
  const Bytes expected = noise(5'000'000, 4);
  Scene one(GetParam());
  const Endpoint at = one.listen_echo();
  {
    Scene two(GetParam());
    Recorder* client = nullptr;
    two.run([&] {
      client = &two.connect_from_loop(at);
      client->send(expected);
      client->finish();
    });
    ASSERT_TRUE(two.wait([&] { return client->closed.has_value(); }));
    two.run([&] { EXPECT_TRUE(client->received == expected); });
  }
  EXPECT_TRUE(one.wait([&] { return one.last_accepted().closed.has_value(); }));
}

TEST_P(SocketConformance, StopFromInsideACallbackAndBeforeAnythingHappened) {
  {
    const Scene at_once(GetParam());
  }
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = token;
  Scene scene(GetParam());
  scene.listen();
  auto& runnable = dynamic_cast<RunnableTransport&>(scene.loop());
  runnable.post_from_any_thread([&runnable, token] {
    runnable.stop();
    runnable.post([token] {});
    runnable.schedule_after(Duration(0), [token] {});
  });
  token.reset();
  scene.end();
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace grey::transport
