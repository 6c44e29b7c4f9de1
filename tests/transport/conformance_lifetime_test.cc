// Closing, destroying, vanishing: at the worst moments.
#include "tests/transport/scene.h"

namespace grey::transport {
namespace {

using std::chrono::milliseconds;

const SharedBytes& megabyte() {
  static const SharedBytes bytes(noise(1 << 20, 4));
  return bytes;
}

// More than the kernels at both ends buffer together.
SendBatch endless_batch() {
  SendBatch batch;
  for (int i = 0; i < 48; ++i) batch.append_shared(megabyte());
  return batch;
}

TEST_P(Conformance, CloseInFlightSaysClosedLocallyOnceAndNothingElse) {
  bool passed = false;
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen());
  Recorder& server = scene.last_accepted();
  scene.run([&] {
    server.pause();
    client.send(endless_batch());
    server.send("on its way");
    client.close();
    EXPECT_FALSE(client.closed.has_value());
    client.close();
    // Everything is allowed and does nothing now.
    client.stream().pause_receive();
    client.stream().resume_receive();
    client.stream().shutdown_send();
    client.stream().send(SendBatch());
    EXPECT_FALSE(client.stream().peer_address().empty());
  });
  ASSERT_TRUE(scene.wait([&] { return client.closed.has_value(); }));
  scene.run([&] {
    client.stream().send(endless_batch());
    client.stream().shutdown_send();
    client.stream().resume_receive();
    client.stream().close();
    server.resume();
    scene.loop().schedule_after(milliseconds(20), [&] { passed = true; });
  });
  EXPECT_TRUE(scene.wait([&] { return passed && (server.ended || server.closed); }));
}

TEST_P(Conformance, WhatWasSentArrivesThoughTheStreamIsClosedRightAfter) {
  const Bytes expected = noise(200'000, 2);
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen());
  Recorder& server = scene.last_accepted();
  scene.run([&] {
    client.when_sent = [&] { client.close(); };
    client.send(expected);
  });
  ASSERT_TRUE(scene.wait([&] { return server.ended; }));
  scene.run([&] { EXPECT_TRUE(server.received == expected); });
}

TEST_P(Conformance, SendingToAPeerThatIsGoneEndsTheStream) {
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen());
  Recorder& server = scene.last_accepted();
  scene.run([&] { server.close(); });
  ASSERT_TRUE(scene.wait([&] { return client.ended; }));
  scene.run([&] {
    EXPECT_FALSE(client.closed.has_value());
    client.when_sent = [&] { client.send(Bytes(1000, 'x')); };
    client.send("anyone?");
  });
  ASSERT_TRUE(scene.wait([&] { return client.closed.has_value(); }));
  EXPECT_EQ(client.close_code(), ErrorCode::connection_reset);
}

TEST_P(Conformance, AVanishingPeerResetsTheStream) {
  for (const bool sending : {false, true}) {
    Scene scene(GetParam());
    const Endpoint at = scene.listen();
    auto peer = scene.lab->rude_connect(at);
    ASSERT_TRUE(scene.wait([&] { return scene.accepted.size() == 1; }));
    Recorder& server = scene.last_accepted();
    if (sending) {
      scene.run([&] { server.send(endless_batch()); });
    }
    peer->vanish();
    ASSERT_TRUE(scene.wait([&] { return server.closed.has_value(); }));
    EXPECT_EQ(server.close_code(), ErrorCode::connection_reset);
  }
}

TEST_P(Conformance, AStreamMayBeDestroyedInsideEachOfItsCallbacks) {
  int destroyed = 0;
  bool passed = false;
  Scene scene(GetParam());
  const Endpoint echo = scene.listen_echo();
  scene.run([&] {
    Recorder& in_receive = scene.connect_from_loop(echo);
    in_receive.send(Bytes(100'000, 'x'));
    in_receive.when_received = [&](std::string_view bytes) {
      in_receive.destroy();
      EXPECT_EQ(bytes.find_first_not_of('x'), std::string_view::npos);  // still valid
      ++destroyed;
    };
    Recorder& in_end = scene.connect_from_loop(echo);
    in_end.finish();
    in_end.when_ended = [&] {
      in_end.destroy();
      ++destroyed;
    };
    Recorder& in_sent = scene.connect_from_loop(echo);
    in_sent.send(Bytes(1000, 'x'));
    in_sent.when_sent = [&] {
      in_sent.destroy();
      ++destroyed;
    };
    Recorder& in_closed = scene.connect_from_loop(echo);
    in_closed.send("x");
    in_closed.when_sent = [&] { in_closed.close(); };
    in_closed.when_closed = [&] {
      in_closed.destroy();
      ++destroyed;
    };
  });
  ASSERT_TRUE(scene.wait([&] { return destroyed == 4; }));
  scene.run([&] { scene.loop().schedule_after(milliseconds(20), [&] { passed = true; }); });
  EXPECT_TRUE(scene.wait([&] { return passed; }));
}

TEST_P(Conformance, BatchesInFlightLiveUntilTheKernelIsDoneWithThemAndNoLonger) {
  SharedBytes shared(noise(1 << 20, 3));
  const std::weak_ptr<const Bytes> watch = shared.owner();
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen());
  Recorder& server = scene.last_accepted();
  scene.run([&] {
    server.pause();
    SendBatch batch;
    for (int i = 0; i < 48; ++i) batch.append_shared(shared);
    shared = {};
    client.send(std::move(batch));
    EXPECT_FALSE(watch.expired());
  });
  scene.run([&] { client.destroy(); });
  EXPECT_TRUE(scene.wait([&] { return watch.expired(); }));
}

TEST_P(Conformance, StreamsMayBeDestroyedUnstartedOrClosedEarly) {
  Scene scene(GetParam());
  scene.run([&] {
    auto listener = scene.loop().listen(
        {scene.lab->host(), 0},
        [&](std::unique_ptr<Stream> stream) { scene.streams.push_back(std::move(stream)); });
    const Endpoint at = (*listener)->local_endpoint();
    scene.listeners.push_back(std::move(*listener));
    for (int i = 0; i < 3; ++i) scene.connect_from_loop(at).send("x");
  });
  ASSERT_TRUE(scene.wait([&] { return scene.streams.size() == 3; }));
  scene.run([&] {
    scene.streams[0].reset();
    scene.streams[1]->close();
    scene.streams[1].reset();
  });
  EXPECT_TRUE(scene.wait([&] {
    return std::count_if(scene.connected.begin(), scene.connected.end(),
                         [](const auto& r) { return r->ended || r->closed; }) == 2;
  }));
}

TEST_P(Conformance, StoppingWithEverythingInFlightLeaksNothing) {
  auto token = std::make_shared<int>(0);
  std::weak_ptr<int> watch = token;
  Scene scene(GetParam());
  const Endpoint sink = scene.listen();
  const Endpoint nowhere = scene.lab->black_hole();
  for (int i = 0; i < 10; ++i) {
    Recorder& client = scene.connect(sink);
    scene.run([&] {
      if (i % 2 == 0) scene.last_accepted().pause();
      client.send(endless_batch());
    });
  }
  scene.connect(sink);
  scene.run([&] {
    Transport& loop = scene.loop();
    const MonotonicTime later = loop.now() + std::chrono::hours(1);
    for (int i = 0; i < 10; ++i) {
      scene.attempts.push_back(loop.connect(i % 2 == 0 ? nowhere : sink, later, [token](auto) {}));
      loop.schedule_at(later, [token] {});
    }
    // A task and a callback may own what they wait for.
    auto stream = std::make_shared<std::unique_ptr<Stream>>();
    scene.attempts.push_back(loop.connect(sink, later, [token, stream](auto connected) {
      if (connected) *stream = std::move(*connected);
    }));
    loop.schedule_at(later, [token, stream] {});
    for (int i = 0; i < 10; ++i) loop.post([token] {});
  });
  token.reset();
  scene.end();
  EXPECT_TRUE(watch.expired());
}

// Random life on many connections: what arrives is always a prefix of what was sent, and all of it
// if both ends parted in good order.
TEST_P(Conformance, RandomLives) {
  struct Life {
    Recorder* client;
    Bytes sent;
    bool finished = false;
    bool cut = false;
  };
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Random random(seed);
    std::vector<Life> lives;
    int turns = 0;
    std::function<void()> turn;
    Scene scene(GetParam());
    const Endpoint echo = scene.listen_echo();
    turn = [&] {
      if (lives.size() < 20 || random.chance(0.05)) {
        lives.push_back({&scene.connect_from_loop(echo), {}});
      }
      Life& life = lives[random.below(lives.size())];
      const std::uint64_t dice = random.below(20);
      if (dice < 8 && !life.finished && !life.cut) {
        Bytes bytes = noise(random.below(random.chance(0.1) ? 300'000 : 3000), random.next());
        life.sent += bytes;
        life.client->send(std::move(bytes));
      } else if (dice < 12) {
        life.client->pause();
      } else if (dice < 17) {
        life.client->resume();
      } else if (dice == 17 && !life.finished && !life.cut) {
        life.finished = true;
        life.client->finish();
      } else if (dice == 18 && life.client->has_stream() && random.chance(0.3)) {
        life.cut = true;
        random.chance(0.5) ? life.client->close() : life.client->destroy();
      }
      if (++turns < 1500) scene.loop().schedule_after(std::chrono::microseconds(20), turn);
    };
    scene.run(turn);
    ASSERT_TRUE(scene.wait([&] { return turns == 1500; }));
    scene.run([&] {
      for (Life& life : lives) {
        life.client->resume();
        if (!life.cut && !std::exchange(life.finished, true)) life.client->finish();
      }
    });
    ASSERT_TRUE(scene.wait([&] {
      return std::all_of(lives.begin(), lives.end(),
                         [](const Life& life) { return life.cut || life.client->closed; });
    }));
    scene.run([&] {
      for (const Life& life : lives) {
        EXPECT_TRUE(life.sent.starts_with(life.client->received));
        if (life.cut) continue;
        EXPECT_EQ(life.client->close_code(), ErrorCode::peer_closed);
        EXPECT_EQ(life.client->received.size(), life.sent.size());
      }
    });
  }
}

}  // namespace
}  // namespace grey::transport
