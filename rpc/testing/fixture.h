// What the tests of this folder share: a server with a scripted handler and clients, in a simulated
// world. Host 1 is node 1, the caller; host 2 is node 2, the server.
#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "protocol/msgpack_writer.h"
#include "rpc/channel.h"
#include "rpc/server.h"
#include "transport/sim/sim_transport.h"
#include "transport/sim/world.h"

namespace grey::rpc::testing {

using namespace std::chrono_literals;

namespace method {
inline constexpr std::uint32_t echo = 1;
inline constexpr std::uint32_t hold = 2;   // kept until the test answers
inline constexpr std::uint32_t drop = 3;   // the responder is destroyed unanswered
inline constexpr std::uint32_t fail = 4;   // precondition_failed with a detail
inline constexpr std::uint32_t swell = 5;  // answers with swell_bytes
inline constexpr std::size_t swell_bytes = 30'000;
}  // namespace method

inline Bytes text(std::string_view value) {
  Bytes body;
  msgpack::Writer(body).str(value);
  return body;
}

inline protocol::SessionConfig session_config(NodeId self) {
  protocol::SessionConfig config;
  config.cluster_id = "rpc-test";
  config.node_id = self;
  config.incarnation = 1;
  config.topology_hash = 42;
  return config;
}

/// Answers as the method says, and notes what it saw.
class ScriptedHandler final : public RequestHandler {
 public:
  void on_request(const IncomingRequest& request, Responder responder) override {
    ++requests;
    last_deadline = request.deadline;
    last_tenant = Bytes(request.tenant);
    last_idempotency = request.idempotency;
    last_peer = request.peer->hello.node_id;
    switch (request.method) {
      case method::echo:
        (void)responder.answer({request.body, {}});
        break;
      case method::hold:
        if (next_cookie != 0) responder.notify_cancel(next_cookie++);
        held.emplace_back(Bytes(request.body), std::move(responder));
        break;
      case method::drop:
        break;
      case method::fail:
        (void)responder.refuse(ErrorCode::precondition_failed, "as asked", 7);
        break;
      case method::swell:
        (void)responder.answer({text(Bytes(method::swell_bytes, 's')), {}});
        break;
      default:
        (void)responder.refuse(ErrorCode::unknown_method);
    }
    if (after_request) after_request();
  }
  void on_oneway(const IncomingOneway& oneway) override { oneways.emplace_back(oneway.body); }
  void on_cancel(std::uint64_t cookie, ErrorCode code) override {
    cancels.emplace_back(cookie, code);
  }
  /// Echoes the `i`-th held request.
  Status answer_held(std::size_t i) {
    auto [body, responder] = std::move(held[i]);
    held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
    return responder.answer({body, {}});
  }

  int requests = 0;
  MonotonicTime last_deadline{};
  Bytes last_tenant;
  OperationId last_idempotency;
  NodeId last_peer = 0;
  std::uint64_t next_cookie = 0;
  std::deque<std::pair<Bytes, Responder>> held;
  std::vector<Bytes> oneways;
  std::vector<std::pair<std::uint64_t, ErrorCode>> cancels;
  std::function<void()> after_request;
};

struct Ended {
  ErrorCode code;
  bool sent;
  bool answered;
  std::uint32_t retry_after_ms;
  Bytes detail;
  Bytes body;
};

/// Notes every completion; a second one of the same call fails the test.
class RecordingSink final : public CallSink {
 public:
  void on_reply(std::uint64_t cookie, const Reply& reply) override {
    const bool first =
        ended
            .try_emplace(cookie, Ended{reply.code, reply.sent, reply.answered, reply.retry_after_ms,
                                       Bytes(reply.detail), Bytes(reply.body)})
            .second;
    EXPECT_TRUE(first) << "call " << cookie << " was completed twice";
    order.push_back(cookie);
    if (after_reply) after_reply(cookie);
  }
  std::size_t count(ErrorCode code) const {
    std::size_t n = 0;
    for (const auto& [cookie, end] : ended) n += end.code == code;
    return n;
  }
  std::map<std::uint64_t, Ended> ended;
  std::vector<std::uint64_t> order;
  std::function<void(std::uint64_t)> after_reply;
};

/// The world and its inhabitants.
struct RpcWorld {
  static constexpr std::uint16_t port = 7000;

  explicit RpcWorld(std::uint64_t seed = 1, transport::sim::NetworkOptions network = {})
      : world(seed, network) {
    server_options.session = session_config(2);
    server_options.random = [] { return std::array<char, 32>{}; };
    channel_options.endpoint = {"10.0.0.2", port};
    channel_options.session = session_config(1);
    channel_options.session.expected_node = 2;
    channel_options.random = server_options.random;
  }

  void start_server() {
    server = std::make_unique<Server>(world.transport(2), server_options, handler);
    ASSERT_TRUE(server->listen({"0.0.0.0", port}));
  }
  void start_channel() {
    channel = std::make_unique<Channel>(world.transport(1), channel_options, breaker.get(), nullptr,
                                        observer);
    channel->start();
  }
  /// Server and channel, connected.
  void connect() {
    start_server();
    start_channel();
    ASSERT_TRUE(world.run_until([&] { return channel->is_connected(); }, 10s));
  }
  CallId call(std::uint32_t method, ByteView body, std::uint64_t cookie, Duration timeout = 5s) {
    CallOptions options{.method = method, .deadline = world.now() + timeout};
    return channel->call(options, {body, {}}, sink, cookie);
  }
  /// Runs until `count` calls have ended.
  bool run_until_ended(std::size_t count, Duration limit = 60s) {
    return world.run_until([&] { return sink.ended.size() >= count; }, limit);
  }

  transport::sim::World world;
  ScriptedHandler handler;
  RecordingSink sink;
  ServerOptions server_options;
  ChannelOptions channel_options;
  std::unique_ptr<breaker::CircuitBreaker> breaker;
  ChannelObserver* observer = nullptr;
  std::unique_ptr<Server> server;
  std::unique_ptr<Channel> channel;
};

class RpcTest : public ::testing::Test, public RpcWorld {};

}  // namespace grey::rpc::testing
