// Listening, connecting, and the ways in which it fails.
#include "tests/transport/scene.h"

namespace grey::transport {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_P(Conformance, ConnectAndAcceptMakeAPair) {
  Scene scene(GetParam());
  const Endpoint at = scene.listen();
  EXPECT_NE(at.port, 0);
  EXPECT_EQ(at.host, scene.lab->host());
  Recorder& client = scene.connect(at);
  scene.run([&] {
    EXPECT_EQ(client.stream().peer_address(), at.to_string());
    const auto peer = Endpoint::parse(scene.last_accepted().stream().peer_address());
    ASSERT_TRUE(peer.has_value());
    EXPECT_EQ(peer->host, at.host);
    client.send("ping");
  });
  EXPECT_TRUE(scene.wait([&] { return scene.last_accepted().received == "ping"; }));
}

TEST_P(Conformance, NobodyListeningIsRefused) {
  Recorder* client = nullptr;
  Scene scene(GetParam());
  const Endpoint at = scene.listen();
  scene.run([&] {
    scene.listeners.clear();
    client = &scene.connect_from_loop(at);
  });
  ASSERT_TRUE(scene.wait([&] { return client->connect_error.has_value(); }));
  EXPECT_EQ(client->connect_error->code, ErrorCode::connection_refused);
}

TEST_P(Conformance, SilenceTimesOutAtTheDeadlineNotBefore) {
  std::optional<Error> error;
  MonotonicTime deadline{};
  MonotonicTime told{};
  Scene scene(GetParam());
  const Endpoint nowhere = scene.lab->black_hole();
  scene.run([&] {
    deadline = scene.loop().now() + milliseconds(50);
    scene.attempts.push_back(
        scene.loop().connect(nowhere, deadline, [&](Result<std::unique_ptr<Stream>> stream) {
          EXPECT_FALSE(error.has_value());
          EXPECT_FALSE(stream.has_value());
          told = scene.loop().now();
          error = stream.error();
        }));
  });
  ASSERT_TRUE(scene.wait([&] { return error.has_value(); }));
  scene.end();
  EXPECT_EQ(error->code, ErrorCode::connect_timeout);
  EXPECT_GE(told, deadline);
}

TEST_P(Conformance, ADestroyedAttemptSaysNothing) {
  bool passed = false;
  auto token = std::make_shared<int>(0);
  std::weak_ptr<int> watch = token;
  Scene scene(GetParam());
  const Endpoint nowhere = scene.lab->black_hole();
  const Endpoint at = scene.listen();
  scene.run([&] {
    const MonotonicTime deadline = scene.loop().now() + milliseconds(5);
    for (const Endpoint& to : {nowhere, at, Endpoint{"not an address", 1}}) {
      auto at_once = scene.loop().connect(to, deadline, [token](auto) { ADD_FAILURE(); });
      auto waiting = scene.loop().connect(to, deadline, [token](auto) { ADD_FAILURE(); });
      waiting.reset();
    }
    token.reset();
    scene.loop().schedule_at(deadline + milliseconds(5), [&] { passed = true; });
  });
  ASSERT_TRUE(scene.wait([&] { return passed && watch.expired(); }));
}

TEST_P(Conformance, AnAttemptMayBeDestroyedInsideItsCallback) {
  int calls = 0;
  Scene scene(GetParam());
  const Endpoint at = scene.listen();
  const auto connect = [&](const Endpoint& to) {
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> watch = token;
    scene.attempts.clear();
    scene.attempts.push_back(scene.loop().connect(
        to, scene.loop().now() + seconds(20),
        [&, watch, kept = std::move(token)](Result<std::unique_ptr<Stream>> done) {
          scene.attempts.clear();
          EXPECT_FALSE(watch.expired());  // what the callback owns lives on
          if (done) scene.streams.push_back(std::move(*done));
          ++calls;
        }));
  };
  scene.run([&] { connect(at); });
  ASSERT_TRUE(scene.wait([&] { return calls == 1; }));
  scene.run([&] { connect({"", 1}); });
  ASSERT_TRUE(scene.wait([&] { return calls == 2; }));
  EXPECT_EQ(scene.streams.size(), 1u);
}

TEST_P(Conformance, BadAddressesAreNamed) {
  std::vector<ErrorCode> codes;
  Scene scene(GetParam());
  scene.run([&] {
    for (const char* host : {"", "localhost", "1.2.3", "999.0.0.1", "127.0.0.1 "}) {
      const auto listener = scene.loop().listen({host, 0}, [](std::unique_ptr<Stream>) {});
      ASSERT_FALSE(listener.has_value()) << host;
      EXPECT_EQ(listener.error().code, ErrorCode::address_invalid) << host;
      scene.attempts.push_back(
          scene.loop().connect({host, 7}, scene.loop().now() + seconds(20),
                               [&](auto stream) { codes.push_back(stream.error().code); }));
    }
    EXPECT_TRUE(codes.empty());
  });
  ASSERT_TRUE(scene.wait([&] { return codes.size() == 5; }));
  scene.end();
  EXPECT_EQ(codes, std::vector<ErrorCode>(5, ErrorCode::address_invalid));
}

TEST_P(Conformance, APortCanBeListenedOnOnceAndAgainAfterwards) {
  Scene scene(GetParam());
  const Endpoint at = scene.listen();
  scene.run([&] {
    const auto taken = scene.loop().listen(at, [](std::unique_ptr<Stream>) {});
    ASSERT_FALSE(taken.has_value());
    EXPECT_EQ(taken.error().code, ErrorCode::address_in_use);
  });
  // With a connection left over from the first listener (SO_REUSEADDR).
  scene.connect(at);
  scene.run([&] {
    scene.listeners.clear();
    scene.last_accepted().close();
    auto again = scene.loop().listen(at, [&](std::unique_ptr<Stream> stream) {
      scene.accepted.push_back(std::make_unique<Recorder>());
      scene.last_accepted().adopt(std::move(stream));
    });
    ASSERT_TRUE(again.has_value()) << again.error().message();
    EXPECT_EQ((*again)->local_endpoint(), at);
    scene.listeners.push_back(std::move(*again));
  });
  EXPECT_TRUE(scene.connect(at).has_stream());
}

TEST_P(Conformance, ConnectionsOutliveTheirListener) {
  Scene scene(GetParam());
  const Endpoint at = scene.listen_echo();
  Recorder& client = scene.connect(at);
  scene.run([&] {
    scene.listeners.clear();
    client.send("still here");
  });
  EXPECT_TRUE(scene.wait([&] { return client.received == "still here"; }));
}

TEST_P(Conformance, AListenerMayBeDestroyedInsideItsCallback) {
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = token;
  Scene scene(GetParam());
  scene.run([&] {
    auto listener = scene.loop().listen(
        {scene.lab->host(), 0}, [&, kept = std::move(token)](std::unique_ptr<Stream> s) {
          scene.listeners.clear();
          EXPECT_FALSE(watch.expired());  // what the callback owns lives on
          scene.streams.push_back(std::move(s));
        });
    const Endpoint at = (*listener)->local_endpoint();
    scene.listeners.push_back(std::move(*listener));
    scene.connect_from_loop(at);
    scene.connect_from_loop(at);
  });
  ASSERT_TRUE(scene.wait([&] { return watch.expired(); }));
  EXPECT_EQ(scene.streams.size(), 1u);
}

TEST_P(Conformance, AThousandConnectionsAtOnceAllEcho) {
  constexpr std::size_t count = 1000;
  std::size_t done = 0;
  std::vector<Recorder*> clients;
  Scene scene(GetParam());
  const Endpoint at = scene.listen_echo();
  scene.run([&] {
    for (std::size_t i = 0; i < count; ++i) {
      Recorder& client = scene.connect_from_loop(at, seconds(50));
      client.send(noise(1 + i * 7 % 3000, i));
      client.finish();
      client.when_closed = [&] { ++done; };
      clients.push_back(&client);
    }
  });
  ASSERT_TRUE(scene.wait([&] { return done == count; }));
  scene.run([&] {
    EXPECT_EQ(scene.accepted.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_TRUE(clients[i]->received == noise(1 + i * 7 % 3000, i)) << i;
      EXPECT_EQ(clients[i]->close_code(), ErrorCode::peer_closed);
    }
  });
}

TEST_P(Conformance, ConnectionsComeAndGo) {
  int finished = 0;
  std::function<void()> next;
  Scene scene(GetParam());
  const Endpoint at = scene.listen_echo();
  next = [&] {
    Recorder& client = scene.connect_from_loop(at);
    client.send("hello");
    client.when_received = [&](std::string_view) {
      if (client.received_bytes == 5) client.close();
    };
    client.when_closed = [&] {
      if (++finished < 200) next();
    };
  };
  scene.run(next);
  EXPECT_TRUE(scene.wait([&] { return finished == 200; }));
}

}  // namespace
}  // namespace grey::transport
