// What is special about io_uring: shared receive buffers running out, operations in flight when
// their object goes, sleeping and waking, system calls shared by many operations. What every
// transport has in common is tested by the conformance suite.
#include "transport/uring/transport.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "base/check.h"
#include "transport/uring/count_allocations.h"
#include "transport/uring/kernel_check.h"
#include "transport/uring/socket.h"

namespace grey::transport::uring {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::unique_ptr<UringTransport> make(const Options& options = {}) {
  auto transport = UringTransport::create(options);
  GREY_CHECK(transport.has_value());
  return std::move(*transport);
}

SendBatch shared_batch(const SharedBytes& bytes) {
  SendBatch batch;
  batch.append_shared(bytes);
  return batch;
}

/// A socket that listens, with a full backlog: further attempts get no answer.
class SilentListener {
 public:
  SilentListener() {
    address_ = *to_socket_address({"127.0.0.1", 0});
    add(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    GREY_CHECK(::bind(sockets_[0], address_.raw(), address_.size) == 0);
    GREY_CHECK(::listen(sockets_[0], 0) == 0);
    address_ = *to_socket_address(endpoint());
    for (int i = 0; i < 4; ++i) {
      add(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      ::connect(sockets_.back(), address_.raw(), address_.size);
    }
  }
  ~SilentListener() {
    for (const int socket : sockets_) ::close(socket);
  }
  Endpoint endpoint() const { return local_endpoint_of(sockets_[0]); }

 private:
  void add(int socket) {
    GREY_CHECK(socket >= 0);
    sockets_.push_back(socket);
  }
  SocketAddress address_;
  std::vector<int> sockets_;
};

SendBatch batch_of(ByteView bytes) {
  SendBatch batch;
  batch.append(bytes);
  return batch;
}

/// A stream's owner that records what it is told.
struct Peer : StreamHandler {
  explicit Peer(std::unique_ptr<Stream> s) : stream(std::move(s)) { stream->start(*this); }
  void on_receive(std::string_view bytes) override {
    received += bytes;
    ++pieces;
    if (then) then();
  }
  void on_receive_end() override { ended = true; }
  void on_sent(SendBatch batch) override {
    EXPECT_TRUE(batch.empty());
    ++sent;
    if (then_sent) then_sent(std::move(batch));
  }
  void on_closed(const Error& reason) override {
    EXPECT_FALSE(closed.has_value());
    closed = reason.code;
    if (then) then();
  }
  std::unique_ptr<Stream> stream;
  Bytes received;
  int pieces = 0;
  int sent = 0;
  bool ended = false;
  std::optional<ErrorCode> closed;
  std::function<void()> then;
  std::function<void(SendBatch)> then_sent;
};

/// A transport with a listener, run until `done` or a bound.
struct World {
  explicit World(const Options& options = {}) : transport(make(options)) {
    auto made = transport->listen({"127.0.0.1", 0}, [this](std::unique_ptr<Stream> stream) {
      servers.push_back(std::make_unique<Peer>(std::move(stream)));
      if (on_server) on_server(*servers.back());
    });
    GREY_CHECK(made.has_value());
    listener = std::move(*made);
  }
  void connect(std::function<void(Peer&)> then) {
    attempts.push_back(
        transport->connect(listener->local_endpoint(), transport->now() + seconds(30),
                           [this, then = std::move(then)](Result<std::unique_ptr<Stream>> stream) {
                             ASSERT_TRUE(stream.has_value()) << stream.error().message();
                             clients.push_back(std::make_unique<Peer>(std::move(*stream)));
                             then(*clients.back());
                           }));
  }
  /// Runs until `done`, asked after every millisecond.
  bool run_until(std::function<bool()> done) {
    bool reached = false;
    const MonotonicTime give_up = transport->now() + seconds(60);
    std::function<void()> look = [&] {
      reached = done();
      if (reached || transport->now() > give_up) return transport->stop();
      transport->schedule_after(milliseconds(1), [&] { look(); });
    };
    transport->post([&] { look(); });
    transport->run();
    return reached;
  }

  std::unique_ptr<UringTransport> transport;
  std::unique_ptr<Listener> listener;
  std::function<void(Peer&)> on_server;
  std::vector<std::unique_ptr<ConnectAttempt>> attempts;
  std::vector<std::unique_ptr<Peer>> servers, clients;
};

Bytes pattern(std::size_t size) {
  Bytes bytes(size, 0);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 8));
  return bytes;
}

TEST(Uring, ThisKernelPassesTheCheck) {
  const auto found = check_kernel();
  ASSERT_TRUE(found.has_value()) << found.error().message();
  EXPECT_NE(found->find("Linux"), std::string::npos);
}

TEST(Uring, SurvivesExhaustionOfItsReceiveBuffers) {
  World world({.ring = {}, .buffers = {.count = 2, .buffer_bytes = 1024}});
  const Bytes data = pattern(300'000);
  for (int i = 0; i < 8; ++i) {
    world.connect([&](Peer& peer) { peer.stream->send(batch_of(data)); });
  }
  EXPECT_TRUE(world.run_until([&] {
    if (world.servers.size() != 8) return false;
    for (const auto& server : world.servers) {
      if (server->received.size() < data.size()) return false;
    }
    return true;
  }));
  for (const auto& server : world.servers) EXPECT_EQ(server->received, data);
  EXPECT_GT(world.transport->counters().buffers_exhausted, 0u);
}

TEST(Uring, SendsBatchesOfMorePiecesThanOneCallTakes) {
  World world;
  const SharedBytes piece(pattern(SendBatch::share_threshold_bytes));
  SendBatch batch;
  for (int i = 0; i < 1500; ++i) batch.append_shared(piece);
  const Bytes expected = batch.flatten();
  world.connect([&](Peer& peer) { peer.stream->send(std::move(batch)); });
  EXPECT_TRUE(world.run_until([&] {
    return world.servers.size() == 1 && world.servers[0]->received.size() == expected.size();
  }));
  EXPECT_EQ(world.servers[0]->received, expected);
  EXPECT_EQ(world.clients[0]->sent, 1);
  EXPECT_GE(world.transport->counters().sends, 2u);
}

TEST(Uring, APausedStreamHoldsTheSenderBackAndPinsNoBuffers) {
  World world({.ring = {}, .buffers = {.count = 4, .buffer_bytes = 4096}});
  const Bytes data = pattern(32 << 20);  // more than the kernel's socket buffers take
  const Bytes note = "still served";
  world.on_server = [&](Peer& server) {
    if (world.servers.size() > 1) return;
    server.then = [&server] {
      if (server.pieces == 1) server.stream->pause_receive();
    };
  };
  world.connect([&](Peer& peer) {
    peer.stream->send(batch_of(data));
    world.connect([&](Peer& second) { second.stream->send(batch_of(note)); });
  });
  std::size_t at_pause = 0;
  bool resumed = false;
  EXPECT_TRUE(world.run_until([&] {
    if (world.servers.size() < 2 || world.servers[1]->received.size() < note.size()) return false;
    if (!resumed) {
      at_pause = world.servers[0]->received.size();
      EXPECT_EQ(world.servers[0]->pieces, 1);
      EXPECT_EQ(world.clients[0]->sent, 0) << "the peer's window is closed";
      world.servers[0]->stream->resume_receive();
      resumed = true;
    }
    return world.servers[0]->received.size() == data.size();
  }));
  EXPECT_LE(at_pause, 4096u);
  EXPECT_EQ(world.servers[0]->received, data);
  EXPECT_EQ(world.servers[1]->received, note);
}

TEST(Uring, PausingAndResumingAtEveryPieceLosesNothing) {
  World world({.ring = {}, .buffers = {.count = 8, .buffer_bytes = 512}});
  const Bytes data = pattern(200'000);
  world.on_server = [&](Peer& server) {
    server.then = [&] {
      server.stream->pause_receive();
      if (server.pieces % 3 == 0) {
        server.stream->resume_receive();
        server.stream->pause_receive();
      }
      world.transport->post([&] { server.stream->resume_receive(); });
    };
  };
  world.connect([&](Peer& peer) {
    peer.then_sent = [&](SendBatch) { peer.stream->shutdown_send(); };
    peer.stream->send(batch_of(data));
  });
  EXPECT_TRUE(
      world.run_until([&] { return world.servers.size() == 1 && world.servers[0]->ended; }));
  EXPECT_EQ(world.servers[0]->received, data);
}

TEST(Uring, StreamsDestroyedWithOperationsInFlightEndInTheBackground) {
  World world;
  constexpr std::size_t count = 8;
  const SharedBytes data(pattern(32 << 20));  // more than the kernel's socket buffers take
  for (std::size_t i = 0; i < count; ++i) {
    world.connect([&](Peer& peer) { peer.stream->send(shared_batch(data)); });
  }
  world.on_server = [](Peer& server) { server.stream->pause_receive(); };
  bool destroyed = false;
  EXPECT_TRUE(world.run_until([&] {
    if (world.servers.size() < count || world.clients.size() < count) return destroyed;
    if (!destroyed) {
      world.clients.clear();
      destroyed = true;
      for (const auto& server : world.servers) server->stream->resume_receive();
    }
    return true;
  }));
}

TEST(Uring, APeerSeesTheEndOfADestroyedStream) {
  World world;
  const SharedBytes data(pattern(32 << 20));
  world.on_server = [](Peer& server) { server.stream->pause_receive(); };
  world.connect([&](Peer& peer) {
    peer.stream->send(shared_batch(data));
    world.transport->schedule_after(milliseconds(5), [&] {
      world.clients.clear();
      world.servers[0]->stream->resume_receive();
    });
  });
  EXPECT_TRUE(world.run_until([&] {
    return world.servers.size() == 1 && (world.servers[0]->ended || world.servers[0]->closed);
  }));
  const Bytes& received = world.servers[0]->received;
  EXPECT_LT(received.size(), data.size());
  EXPECT_EQ(received, data.view().substr(0, received.size()));
  EXPECT_EQ(data.owner().use_count(), 1) << "the batch is gone with its send";
}

TEST(Uring, StopReapsWhateverIsInFlight) {
  const SharedBytes data(pattern(32 << 20));
  const SilentListener silent;
  {
    World world;
    world.on_server = [](Peer& server) { server.stream->pause_receive(); };
    for (int i = 0; i < 4; ++i) {
      world.connect([&](Peer& peer) { peer.stream->send(shared_batch(data)); });
    }
    bool answered = false;
    const auto attempt =
        world.transport->connect(silent.endpoint(), never, [&](auto) { answered = true; });
    EXPECT_TRUE(world.run_until([&] { return world.servers.size() == 4; }));
    EXPECT_FALSE(answered);
    for (const auto& client : world.clients) EXPECT_FALSE(client->closed.has_value());
  }
  EXPECT_EQ(data.owner().use_count(), 1);
}

TEST(Uring, AnAttemptWithoutAnswerEndsAtItsDeadline) {
  const SilentListener silent;
  auto transport = make();
  std::optional<Error> error;
  const auto attempt =
      transport->connect(silent.endpoint(), transport->now() + milliseconds(20), [&](auto stream) {
        error = stream.error();
        transport->stop();
      });
  auto dropped = transport->connect(silent.endpoint(), transport->now() + milliseconds(1),
                                    [](auto) { ADD_FAILURE() << "cancelled"; });
  transport->post([&] { dropped.reset(); });
  transport->run();
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, ErrorCode::connect_timeout);
}

TEST(Uring, ObjectsMayOutliveTheirTransport) {
  auto world = std::make_unique<World>();
  world->connect([](Peer&) {});
  EXPECT_TRUE(world->run_until([&] { return world->servers.size() == 1; }));
  world->transport.reset();
  EXPECT_EQ(world->clients[0]->stream->peer_address(), "");
  world->clients[0]->stream->close();
}

TEST(Uring, AcceptingRestsWhileDescriptorsAreShortAndGoesOn) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  World world;
  int client = -1;
  auto address = to_socket_address(world.listener->local_endpoint());
  ASSERT_TRUE(address.has_value());
  // The next free descriptor is the client's, and the limit lies right above it.
  client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(client, 0);
  const rlimit tight{static_cast<rlim_t>(client) + 1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  ASSERT_EQ(::connect(client, address->raw(), address->size), 0);
  EXPECT_TRUE(world.run_until([&] {
    if (world.transport->counters().accept_pauses == 0) return false;
    ::setrlimit(RLIMIT_NOFILE, &before);
    return world.servers.size() == 1;
  }));
  ::setrlimit(RLIMIT_NOFILE, &before);
  ::close(client);
}

TEST(Uring, TheListenersPortIsFreeAtOnce) {
  auto transport = make();
  bool again = false;
  auto listener = transport->listen({"127.0.0.1", 0}, [](auto) {});
  ASSERT_TRUE(listener.has_value());
  transport->schedule_after(milliseconds(1), [&] {
    const Endpoint endpoint = (*listener)->local_endpoint();
    listener->reset();
    again = transport->listen(endpoint, [](auto) {}).has_value();
    transport->stop();
  });
  transport->run();
  EXPECT_TRUE(again);
}

TEST(Uring, OtherThreadsPayForAWakeUpOnlyWhileTheLoopSleeps) {
  auto transport = make();
  constexpr int posts = 1000;
  int ran = 0;
  transport->post([&] {
    // The loop is awake: a thread that posts now must not be made to write to the eventfd.
    std::jthread([&] {
      for (int i = 0; i < posts; ++i) transport->post_from_any_thread([&] { ++ran; });
      transport->post_from_any_thread([&] { transport->stop(); });
    }).join();
  });
  transport->run();
  EXPECT_EQ(ran, posts);
  EXPECT_EQ(transport->counters().wakeups, 0u);
}

TEST(Uring, PostsFromManyThreadsAllRunInTheOrderOfEachThread) {
  auto transport = make();
  constexpr int threads_count = 4;
  constexpr int posts = 2000;
  std::vector<int> last(threads_count, -1);
  int ran = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < threads_count; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < posts; ++i) {
        transport->post_from_any_thread([&, t, i] {
          EXPECT_EQ(last[static_cast<std::size_t>(t)], i - 1);
          last[static_cast<std::size_t>(t)] = i;
          if (++ran == threads_count * posts) transport->stop();
        });
      }
    });
  }
  transport->run();
  EXPECT_EQ(ran, threads_count * posts);
}

TEST(Uring, StopBeforeRunReturnsAtOnce) {
  auto transport = make();
  bool ran = false;
  transport->post([&] { ran = true; });
  transport->stop();
  transport->run();
  EXPECT_FALSE(ran);
}

TEST(Uring, ManyConnectionsShareASystemCall) {
  World world;
  constexpr int connections = 50;
  constexpr int exchanges = 200;
  world.on_server = [](Peer& server) {
    server.then = [&server] {
      if (!server.closed) server.stream->send(batch_of("pong"));
    };
  };
  int finished = 0;
  for (int i = 0; i < connections; ++i) {
    world.connect([&](Peer& peer) {
      peer.then = [&] {
        if (peer.pieces == exchanges) {
          if (++finished == connections) world.transport->stop();
        } else {
          peer.stream->send(batch_of("ping"));
        }
      };
      peer.stream->send(batch_of("ping"));
    });
  }
  world.transport->run();
  EXPECT_EQ(finished, connections);
  EXPECT_LT(world.transport->counters().syscalls, connections * exchanges / 10);
}

/// Answers every message with its own, out of memory that goes back and forth.
struct Player : StreamHandler {
  explicit Player(std::unique_ptr<Stream> s) : stream(std::move(s)) { stream->start(*this); }
  void on_receive(std::string_view bytes) override {
    received += bytes.size();
    for (; received >= message.size(); received -= message.size()) ++owed;
    play();
  }
  void on_receive_end() override {}
  void on_sent(SendBatch batch) override {
    spare = std::move(batch);
    idle = true;
    play();
  }
  void on_closed(const Error&) override {}
  void play() {
    if (!idle || owed == 0) return;
    idle = false;
    for (; owed > 0; --owed) {
      spare.append(message.view().substr(0, 10));
      spare.append_shared(message, 10, message.size() - 10);
    }
    if (on_play) on_play();
    stream->send(std::move(spare));
  }
  std::unique_ptr<Stream> stream;
  SharedBytes message{pattern(5010)};
  std::function<void()> on_play;
  SendBatch spare;
  std::size_t received = 0;
  int owed = 0;
  bool idle = true;
};

TEST(Uring, ReceivesSendsAndTimersAllocateNothingOnceWarm) {
  auto transport = make();
  std::vector<std::unique_ptr<Player>> players;
  constexpr int warm = 2000, measured = 10'000;
  int plays = 0;
  std::uint64_t before = 0, after = 0;
  TimerId timer = 0;
  const auto count = [&] {
    transport->cancel(timer);
    timer = transport->schedule_after(seconds(60), [] {});
    if (++plays == warm) before = heap_allocations();
    if (plays == warm + measured) {
      after = heap_allocations();
      transport->stop();
    }
  };
  const auto add = [&](std::unique_ptr<Stream> stream, int owed) {
    players.push_back(std::make_unique<Player>(std::move(stream)));
    players.back()->on_play = count;
    players.back()->owed = owed;
    players.back()->play();
  };
  auto listener =
      transport->listen({"127.0.0.1", 0}, [&](auto stream) { add(std::move(stream), 0); });
  ASSERT_TRUE(listener.has_value());
  std::vector<std::unique_ptr<ConnectAttempt>> attempts;
  for (int i = 0; i < 10; ++i) {
    attempts.push_back(transport->connect((*listener)->local_endpoint(), never,
                                          [&](auto stream) { add(std::move(*stream), 1); }));
  }
  transport->run();
  EXPECT_EQ(plays, warm + measured);
  EXPECT_EQ(after - before, 0u);
}

TEST(Uring, MoreOperationsThanTheSubmissionQueueHolds) {
  World world({.ring = {.submission_entries = 8, .completion_entries = 16}, .buffers = {}});
  for (int i = 0; i < 200; ++i) {
    world.connect([](Peer& peer) { peer.stream->send(batch_of("hello")); });
  }
  EXPECT_TRUE(world.run_until([&] {
    if (world.servers.size() != 200) return false;
    for (const auto& server : world.servers) {
      if (server->received != "hello") return false;
    }
    return true;
  }));
  EXPECT_GT(world.transport->counters().submission_full, 0u);
}

}  // namespace
}  // namespace grey::transport::uring
