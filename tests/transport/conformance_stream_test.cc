// Bytes: all of them, in order, in both directions, at the receiver's pace.
#include "tests/transport/scene.h"

namespace grey::transport {
namespace {

TEST_P(Conformance, EchoOfRandomSizes) {
  Random random(3);
  Bytes expected;
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen_echo());
  scene.run([&] {
    for (const std::size_t size_max : {1, 100, 5000, 70'000, 1'000'000, 4'000'000}) {
      for (int i = 0; i < 3; ++i) {
        Bytes bytes = noise(1 + random.below(size_max), random.next());
        expected += bytes;
        client.send(std::move(bytes));
      }
    }
    client.finish();
  });
  ASSERT_TRUE(scene.wait([&] { return client.closed.has_value(); }));
  scene.run([&] {
    EXPECT_TRUE(client.ended);
    EXPECT_TRUE(client.received == expected);
    EXPECT_EQ(client.sent, 18);
    EXPECT_EQ(client.close_code(), ErrorCode::peer_closed);
    EXPECT_EQ(scene.last_accepted().close_code(), ErrorCode::peer_closed);
  });
}

TEST_P(Conformance, GatheredBatchesOfManyPieces) {
  // More pieces than one system call takes (IOV_MAX is 1024), own and shared, one used twice.
  const SharedBytes shared(noise(5000, 1));
  Bytes expected;
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen());
  scene.run([&] {
    for (int round = 0; round < 2; ++round) {
      SendBatch batch;
      for (int i = 0; i < 2500; ++i) {
        batch.append(std::to_string(i));
        batch.append_shared(shared);
        expected += std::to_string(i);
        expected += shared.view();
      }
      EXPECT_EQ(batch.piece_count(), 5000u);
      client.send(std::move(batch));
    }
    client.finish();
  });
  ASSERT_TRUE(scene.wait([&] { return scene.last_accepted().ended; }));
  scene.run([&] { EXPECT_TRUE(scene.last_accepted().received == expected); });
}

TEST_P(Conformance, ManySmallBatchesKeepTheirOrder) {
  Bytes expected;
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen());
  scene.run([&] {
    for (int i = 0; i < 3000; ++i) {
      SendBatch batch;
      batch.append(std::to_string(i) + ",");
      expected += batch.piece(0);
      client.send(std::move(batch));
    }
    client.finish();
  });
  ASSERT_TRUE(scene.wait([&] { return scene.last_accepted().ended; }));
  scene.run([&] {
    EXPECT_TRUE(scene.last_accepted().received == expected);
    EXPECT_EQ(client.sent, 3000);
  });
}

TEST_P(Conformance, AnEmptyBatchIsSentAtOnceAndSaysSo) {
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen());
  scene.run([&] {
    client.send(SendBatch());
    EXPECT_EQ(client.sent, 0);
    client.send("after");
  });
  ASSERT_TRUE(scene.wait([&] { return scene.last_accepted().received == "after"; }));
  EXPECT_TRUE(scene.wait([&] { return client.sent == 2; }));
}

TEST_P(Conformance, EitherSideMayEndFirstAndTheOtherGoesOn) {
  for (const bool client_first : {true, false}) {
    Scene scene(GetParam());
    Recorder& client = scene.connect(scene.listen());
    Recorder& server = scene.last_accepted();
    Recorder& first = client_first ? client : server;
    Recorder& second = client_first ? server : client;
    scene.run([&] {
      first.send("goodbye");
      first.finish();
    });
    ASSERT_TRUE(scene.wait([&] { return second.ended; }));
    scene.run([&] {
      EXPECT_EQ(second.received, "goodbye");
      EXPECT_FALSE(second.closed.has_value());
      second.send(Bytes(100'000, 'x'));
    });
    ASSERT_TRUE(scene.wait([&] { return first.received.size() == 100'000; }));
    scene.run([&] {
      EXPECT_FALSE(first.ended);
      EXPECT_FALSE(first.closed.has_value());
      second.finish();
    });
    ASSERT_TRUE(scene.wait([&] { return first.closed && second.closed; }));
    EXPECT_EQ(first.close_code(), ErrorCode::peer_closed);
    EXPECT_EQ(second.close_code(), ErrorCode::peer_closed);
    EXPECT_TRUE(first.ended);
  }
}

TEST_P(Conformance, AHalfCloseWaitsForTheOutstandingSend) {
  const Bytes expected = noise(20'000'000, 14);  // more than the kernels take at once
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen());
  Recorder& server = scene.last_accepted();
  scene.run([&] {
    client.send(expected);
    client.stream().shutdown_send();
  });
  ASSERT_TRUE(scene.wait([&] { return server.ended && client.sent == 1; }));
  scene.run([&] {
    EXPECT_TRUE(server.received == expected);
    server.finish();
  });
  ASSERT_TRUE(scene.wait([&] { return client.closed && server.closed; }));
  EXPECT_EQ(client.close_code(), ErrorCode::peer_closed);
}

TEST_P(Conformance, NothingIsReceivedBeforeTheStart) {
  Recorder* client = nullptr;
  Scene scene(GetParam());
  scene.run([&] {
    auto listener =
        scene.loop().listen({scene.lab->host(), 0}, [&](std::unique_ptr<Stream> stream) {
          scene.accepted.push_back(std::make_unique<Recorder>());
          scene.last_accepted().hold(std::move(stream));
        });
    client = &scene.connect_from_loop((*listener)->local_endpoint());
    scene.listeners.push_back(std::move(*listener));
    client->send("early");
    client->finish();
  });
  ASSERT_TRUE(scene.wait([&] { return scene.accepted.size() == 1 && client->sent == 1; }));
  Recorder& server = scene.last_accepted();
  scene.run([&] {
    EXPECT_EQ(server.deliveries, 0);
    server.start();
    EXPECT_EQ(server.deliveries, 0);
  });
  EXPECT_TRUE(scene.wait([&] { return server.received == "early" && server.ended; }));
}

TEST_P(Conformance, APausedReceiverStopsTheSenderAndLosesNothing) {
  const SharedBytes megabyte(noise(1 << 20, 5));
  int round_trips = 0;
  Scene scene(GetParam());
  const Endpoint echo = scene.listen_echo();
  const Endpoint sink = scene.listen([](Recorder& r) { r.count_only = true; });
  Recorder& client = scene.connect(sink);
  Recorder& paused = scene.last_accepted();
  scene.run([&] {
    paused.pause();
    paused.pause();
    SendBatch batch;
    for (int i = 0; i < 48; ++i) batch.append_shared(megabyte);  // more than any kernel buffers
    client.send(std::move(batch));
  });
  // Time passes: another connection does many round trips.
  Recorder& other = scene.connect(echo);
  scene.run([&] {
    other.when_received = [&](std::string_view) {
      if (++round_trips < 200) other.send("again");
    };
    other.send("first");
  });
  ASSERT_TRUE(scene.wait([&] { return round_trips >= 200; }));
  scene.run([&] {
    EXPECT_EQ(client.sent, 0);
    EXPECT_EQ(paused.received_bytes, 0u);
    paused.resume();
    paused.resume();
  });
  EXPECT_TRUE(scene.wait([&] { return paused.received_bytes == 48u << 20; }));
  EXPECT_TRUE(scene.wait([&] { return client.sent == 1; }));
}

TEST_P(Conformance, PausingInsideACallbackHoldsTheRest) {
  Bytes expected = noise(3'000'000, 9);
  int pauses = 0;
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen());
  Recorder& server = scene.last_accepted();
  scene.run([&] {
    server.when_received = [&](std::string_view) {
      server.pause();
      const int deliveries = server.deliveries;
      ++pauses;
      scene.loop().schedule_after(std::chrono::microseconds(100), [&, deliveries] {
        EXPECT_EQ(server.deliveries, deliveries);
        EXPECT_FALSE(server.ended);
        server.resume();
        EXPECT_EQ(server.deliveries, deliveries);
      });
    };
    client.send(expected);
    client.finish();
  });
  ASSERT_TRUE(scene.wait([&] { return server.ended; }));
  scene.run([&] {
    EXPECT_TRUE(server.received == expected);
    EXPECT_GT(pauses, 1);
  });
}

TEST_P(Conformance, PauseAndResumeInOneBreathChangeNothing) {
  const Bytes expected = noise(1'000'000, 10);
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen());
  Recorder& server = scene.last_accepted();
  scene.run([&] {
    server.when_received = [&](std::string_view) {
      server.pause();
      server.resume();
      server.pause();
      server.resume();
    };
    client.send(expected);
    client.finish();
  });
  ASSERT_TRUE(scene.wait([&] { return server.ended; }));
  scene.run([&] { EXPECT_TRUE(server.received == expected); });
}

TEST_P(Conformance, ManyPausedStreamsDoNotStarveOthers) {
  constexpr int count = 100;
  const Bytes expected = noise(2'000'000, 6);
  const SharedBytes flood(noise(1 << 20, 8));
  std::vector<Recorder*> paused;
  Scene scene(GetParam());
  const Endpoint sink = scene.listen([](Recorder& r) { r.count_only = true; });
  const Endpoint echo = scene.listen_echo();
  for (int i = 0; i < count; ++i) {
    Recorder& client = scene.connect(sink);
    paused.push_back(&scene.last_accepted());
    scene.run([&] {
      paused.back()->pause();
      SendBatch batch;
      for (int j = 0; j < 2; ++j) batch.append_shared(flood);
      client.send(std::move(batch));
    });
  }
  Recorder& active = scene.connect(echo);
  scene.run([&] { active.send(expected); });
  ASSERT_TRUE(scene.wait([&] { return active.received.size() == expected.size(); }));
  scene.run([&] {
    EXPECT_TRUE(active.received == expected);
    for (Recorder* r : paused) r->resume();
  });
  EXPECT_TRUE(scene.wait([&] {
    return std::all_of(paused.begin(), paused.end(),
                       [](const Recorder* r) { return r->received_bytes == 2u << 20; });
  }));
}

TEST_P(Conformance, BothDirectionsFloodAtOnce) {
  const Bytes up = noise(6'000'000, 12);
  const Bytes down = noise(6'000'000, 13);
  Scene scene(GetParam());
  Recorder& client = scene.connect(scene.listen());
  Recorder& server = scene.last_accepted();
  scene.run([&] {
    client.send(up);
    client.finish();
    server.send(down);
    server.finish();
  });
  ASSERT_TRUE(scene.wait([&] { return client.closed && server.closed; }));
  scene.run([&] {
    EXPECT_TRUE(server.received == up);
    EXPECT_TRUE(client.received == down);
    EXPECT_EQ(client.close_code(), ErrorCode::peer_closed);
    EXPECT_EQ(server.close_code(), ErrorCode::peer_closed);
  });
}

}  // namespace
}  // namespace grey::transport
