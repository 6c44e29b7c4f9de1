// What only the Asio transport does: life on a program's own executor, and no allocation per
// operation. The contract it shares with its siblings is tested in tests/transport.
#include "transport/asio/asio_transport.h"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <thread>

#include "transport/asio/count_allocations.h"

namespace grey::transport::asio {
namespace {

// Both ends of a connection over loopback that send one batch to and fro for ever.
class PingPong {
 public:
  explicit PingPong(Transport& loop, std::size_t size) : loop_(loop), size_(size) {
    listener_ = std::move(*loop.listen({"127.0.0.1", 0}, [this](std::unique_ptr<Stream> stream) {
      server_.begin(std::move(stream));
    }));
    attempt_ = loop.connect(listener_->local_endpoint(), loop.now() + std::chrono::seconds(20),
                            [this](Result<std::unique_ptr<Stream>> stream) {
                              client_.begin(std::move(*stream));
                              client_.send();
                            });
  }
  std::uint64_t rounds() const noexcept { return rounds_; }
  std::function<void()> on_round;

 private:
  struct Side : StreamHandler {
    explicit Side(PingPong& of) : game(of) {}
    void begin(std::unique_ptr<Stream> with) {
      stream = std::move(with);
      stream->start(*this);
    }
    void send() {
      if (!free) return;
      free = false;
      turn = false;
      if (!shared.owner()) shared = SharedBytes(Bytes(game.size_, 'x'));
      batch.append("head");
      batch.append_shared(shared);
      stream->send(std::move(batch));
    }
    void on_receive(std::string_view bytes) override {
      received += bytes.size();
      if (received < game.size_ + 4) return;
      received = 0;
      ++game.rounds_;
      if (game.on_round) game.on_round();
      turn = true;
      send();
    }
    void on_receive_end() override {}
    void on_sent(SendBatch sent) override {
      batch = std::move(sent);
      free = true;
      if (turn) send();
    }
    void on_closed(const Error&) override { ADD_FAILURE(); }

    PingPong& game;
    std::unique_ptr<Stream> stream;
    SendBatch batch;
    SharedBytes shared;
    std::size_t received = 0;
    bool free = true;
    bool turn = false;
  };

  Transport& loop_;
  const std::size_t size_;
  std::uint64_t rounds_ = 0;
  Side client_{*this};
  Side server_{*this};
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<ConnectAttempt> attempt_;
};

TEST(AsioTransport, CanBeUsedBeforeItRuns) {
  auto loop = std::move(*AsioTransport::create());
  EXPECT_EQ(loop->name(), "asio");
  PingPong game(*loop, 100);
  game.on_round = [&] { loop->stop(); };
  loop->run();
  EXPECT_EQ(game.rounds(), 1u);
}

TEST(AsioTransport, TheSteadyStateAllocatesNothing) {
  for (const std::size_t size : {100u, 20'000u, 3'000'000u}) {
    auto loop = std::move(*AsioTransport::create());
    PingPong game(*loop, size);
    std::uint64_t before = 0;
    std::uint64_t ticks = 0;
    std::function<void()> tick = [&] {
      ++ticks;
      loop->schedule_after(std::chrono::microseconds(10), [&] { tick(); });
    };
    game.on_round = [&] {
      if (game.rounds() == 50) before = heap_allocations();
      if (game.rounds() == 150) {
        EXPECT_EQ(heap_allocations() - before, 0u) << size;
        loop->stop();
      }
    };
    loop->post([&] { tick(); });
    loop->run();
    EXPECT_EQ(game.rounds(), 150u);
    EXPECT_GT(ticks, 0u);
  }
}

TEST(AsioTransport, LeavesAProgramsContextRunningWhenItGoes) {
  boost::asio::io_context context;
  auto loop = std::move(*AsioTransport::create(context.get_executor()));
  auto token = std::make_shared<int>(0);
  auto game = std::make_unique<PingPong>(*loop, 1000);
  game->on_round = [&] {
    if (game->rounds() == 10) context.stop();
  };
  context.run();
  loop->post([token] { ADD_FAILURE(); });
  loop->post_from_any_thread([token] { ADD_FAILURE(); });
  loop->schedule_after(Duration(0), [token] { ADD_FAILURE(); });
  EXPECT_EQ(token.use_count(), 4);
  game.reset();
  loop.reset();
  EXPECT_EQ(token.use_count(), 1);
  context.restart();
  context.run();  // what still waited there ends by itself, and nothing of ours keeps it going
}

TEST(AsioTransport, MayOutliveItsContextsLastRun) {
  auto context = std::make_unique<boost::asio::io_context>();
  auto loop = std::move(*AsioTransport::create(context->get_executor()));
  auto game = std::make_unique<PingPong>(*loop, 1000);
  game->on_round = [&] { context->stop(); };
  context->run();
  game.reset();
  loop.reset();
  context.reset();  // destroys the handlers unrun
}

TEST(AsioTransport, RunsOnAStrandOfSeveralThreads) {
  boost::asio::io_context context;
  auto strand = boost::asio::make_strand(context);
  auto loop = std::move(*AsioTransport::create(strand));
  std::unique_ptr<PingPong> game;
  loop->post_from_any_thread([&] {
    game = std::make_unique<PingPong>(*loop, 200'000);
    game->on_round = [&] {
      EXPECT_TRUE(strand.running_in_this_thread());
      if (game->rounds() == 200) context.stop();
    };
  });
  const auto work = boost::asio::make_work_guard(context);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] { context.run(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(game->rounds(), 200u);
  game.reset();
}

}  // namespace
}  // namespace grey::transport::asio
