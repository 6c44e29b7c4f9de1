// No heap allocation per call in the steady state: from call() to the completion, through both
// connections, their sessions, the handler and its responder. The loop and the streams are the
// smallest that can be, so that all that is counted is this module's and the session's. A binary of
// its own, because it replaces operator new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "protocol/msgpack_writer.h"
#include "rpc/connection.h"

namespace {
std::uint64_t allocations = 0;
}  // namespace

// Not inlined: g++ would take the pairing of malloc and delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace grey::rpc {
namespace {

using namespace std::chrono_literals;

/// Time that the test moves, tasks in a vector that is reused, one timer slot.
class TinyLoop final : public transport::Executor {
 public:
  MonotonicTime now() const override { return now_; }
  std::int64_t unix_time_ns() const override { return 1; }
  void post(Task task) override { posted_.push_back(std::move(task)); }
  void post_from_any_thread(Task task) override { post(std::move(task)); }
  transport::TimerId schedule_at(MonotonicTime, Task task) override {
    timers_[++last_timer_ % timers_.size()] = std::move(task);
    return last_timer_;
  }
  bool cancel(transport::TimerId id) override {
    timers_[id % timers_.size()] = {};
    return true;
  }
  bool run_posted() {
    running_.swap(posted_);
    for (Task& task : running_) task();
    const bool any = !running_.empty();
    running_.clear();
    return any;
  }
  void advance(Duration by) { now_ += by; }

 private:
  MonotonicTime now_{1h};
  std::vector<Task> posted_;
  std::vector<Task> running_;
  std::array<Task, 64> timers_;
  transport::TimerId last_timer_ = 0;
};

/// One end of a pair; what is sent arrives when the test carries it.
class TinyStream final : public transport::Stream {
 public:
  void start(transport::StreamHandler& handler) override { handler_ = &handler; }
  void send(SendBatch batch) override {
    batch_ = std::move(batch);
    sending_ = true;
  }
  void pause_receive() override {}
  void resume_receive() override {}
  void shutdown_send() override {}
  void close() override {}
  std::string peer_address() const override { return {}; }

  bool carry_to(TinyStream& other) {
    if (!sending_) return false;
    sending_ = false;
    for (std::size_t i = 0; i < batch_.piece_count(); ++i) {
      other.handler_->on_receive(batch_.piece(i));
    }
    batch_.clear();
    handler_->on_sent(std::exchange(batch_, {}));
    return true;
  }

 private:
  transport::StreamHandler* handler_ = nullptr;
  SendBatch batch_;
  bool sending_ = false;
};

class Echo final : public RequestHandler, public ConnectionEvents, public CallSink {
 public:
  void on_request(const IncomingRequest& request, Responder responder) override {
    held_.push_back(std::move(responder));
    if (held_.size() < 4) return;
    for (Responder& waiting : held_) (void)waiting.answer({request.body, {}});
    held_.clear();
  }
  void on_oneway(const IncomingOneway&) override {}
  void on_cancel(std::uint64_t, ErrorCode) override {}
  void on_established(const protocol::PeerInfo&) override {}
  void on_pong(Duration) override {}
  void on_goaway(ErrorCode, std::string_view) override {}
  void on_call_done(const breaker::Permit&, const Reply&) override {}
  void on_closing(const Error&) override {}
  void on_closed(const Error&) override {}
  void on_reply(std::uint64_t, const Reply& reply) override { ok += reply.ok(); }

  int ok = 0;

 private:
  std::vector<Responder> held_;
};

protocol::SessionConfig config(protocol::SessionRole role) {
  protocol::SessionConfig config;
  config.role = role;
  config.cluster_id = "allocations";
  config.node_id = role == protocol::SessionRole::initiator ? 1 : 2;
  config.topology_hash = 1;
  return config;
}

TEST(Allocations, NonePerCallInTheSteadyState) {
  TinyLoop loop;
  Echo echo;
  flowcontrol::MemoryBudget budget({64u << 20, 64u << 20, 0, 0});
  ConnectionOptions options;
  options.budget = &budget;
  Connection client(loop, config(protocol::SessionRole::initiator), options, echo, nullptr);
  Connection server(loop, config(protocol::SessionRole::acceptor), options, echo, &echo);
  auto client_stream = std::make_unique<TinyStream>();
  auto server_stream = std::make_unique<TinyStream>();
  TinyStream& from_client = *client_stream;
  TinyStream& from_server = *server_stream;
  server.start(std::move(server_stream));
  client.start(std::move(client_stream));
  const auto settle = [&] {
    for (bool moved = true; moved;) {
      moved = loop.run_posted();
      moved = from_client.carry_to(from_server) || moved;
      moved = from_server.carry_to(from_client) || moved;
    }
  };
  settle();
  ASSERT_TRUE(client.is_open());

  Bytes body;
  msgpack::Writer(body).str(Bytes(100, 'x'));
  const auto round = [&](int calls) {
    for (int i = 0; i < calls; ++i) {
      client.call({.method = 1, .deadline = loop.now() + 2s}, {body, {}}, echo, 1);
    }
    settle();
    loop.advance(3ms);
  };
  for (int i = 0; i < 1000; ++i) round(64);  // every buffer finds its size
  const std::uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) round(64);
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(echo.ok, 128'000);
}

}  // namespace
}  // namespace grey::rpc
