// The client against nodes that answer, refuse, die, freeze or say nothing.
#include <grey/client.h>

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <optional>

#include "client/testing/fake_cluster.h"
#include "protocol/node_status.h"

namespace grey {
namespace {

using namespace std::chrono_literals;
using boost::system::error_code;
using client::testing::Behaviour;
using client::testing::FakeCluster;
namespace asio = boost::asio;

/// Waits for one completion, turning the context meanwhile.
template <typename Result>
class Waiter {
 public:
  explicit Waiter(asio::io_context& context) : context_(context) {}
  auto handler() {
    return [this](error_code ec, Result got) {
      ++calls;
      error = ec;
      result = std::move(got);
    };
  }
  Waiter& wait() {
    while (calls == 0) context_.run_one_for(30s);
    return *this;
  }
  int calls = 0;
  error_code error;
  Result result;

 private:
  asio::io_context& context_;
};

class ClientTest : public ::testing::Test {
 protected:
  Options options() {
    Options out;
    out.seeds = cluster.endpoints();
    out.tenant = "tests";
    out.timeout = 10s;
    return out;
  }
  Client& connect(Options with) {
    client.emplace(io, std::move(with));
    return *client;
  }
  WriteResult put(const std::string& key, const std::string& value, error_code& ec,
                  WriteOptions how = {}) {
    Waiter<WriteResult> waiter(io);
    client->async_put(key, value, how, waiter.handler());
    ec = waiter.wait().error;
    return waiter.result;
  }
  GetResult get(const std::string& key, error_code& ec, GetOptions how = {}) {
    Waiter<GetResult> waiter(io);
    client->async_get(key, how, waiter.handler());
    ec = waiter.wait().error;
    return waiter.result;
  }
  /// Waits until every node of the topology is connected.
  void wait_for_all_connected() {
    for (;;) {
      Waiter<ClusterView> waiter(io);
      client->async_cluster({}, waiter.handler());
      waiter.wait();
      ASSERT_FALSE(waiter.error) << waiter.error.message();
      bool all = true;
      for (const NodeView& node : waiter.result.nodes) all = all && node.connected;
      if (all) return;
      io.run_one_for(10ms);
    }
  }
  /// A key whose home is `node`.
  std::string key_at(NodeId node) {
    for (int i = 0;; ++i) {
      std::string key = "key" + std::to_string(i);
      if (cluster.home_of("tests", key) == node) return key;
    }
  }

  FakeCluster cluster;
  asio::io_context io;
  std::optional<Client> client;
};

TEST_F(ClientTest, PutGetRemove) {
  connect(options());
  error_code ec;
  const WriteResult written = put("key", "value", ec);
  ASSERT_FALSE(ec) << ec.message();
  const GetResult got = get("key", ec);
  ASSERT_FALSE(ec) << ec.message();
  EXPECT_EQ(got.value, "value");
  EXPECT_EQ(got.version, written.version);
  Waiter<WriteResult> removed(io);
  client->async_remove("key", removed.handler());
  ASSERT_FALSE(removed.wait().error);
  get("key", ec);
  EXPECT_EQ(ec, errc::not_found);
}

TEST_F(ClientTest, ValuesOfManySizesComeBackWhole) {
  connect(options());
  error_code ec;
  for (const std::size_t size : {0u, 1u, 4095u, 4096u, 70'000u, 300'000u, 1u << 20}) {
    std::string value(size, 'x');
    for (std::size_t i = 0; i < size; i += 97) value[i] = static_cast<char>(i);
    put("key", value, ec);
    ASSERT_FALSE(ec) << size << " " << ec.message();
    EXPECT_EQ(get("key", ec).value, value) << size;
    ASSERT_FALSE(ec) << size << " " << ec.message();
  }
}

TEST_F(ClientTest, CompareAndSwap) {
  connect(options());
  const auto cas = [&](Expect expect, std::string value) {
    Waiter<WriteResult> waiter(io);
    client->async_cas("key", std::move(expect), std::move(value), waiter.handler());
    waiter.wait();
    return std::pair(waiter.error, waiter.result);
  };
  const auto [created, first] = cas(Expect::absent(), "1");
  ASSERT_FALSE(created) << created.message();
  const auto [again, found] = cas(Expect::absent(), "2");
  EXPECT_EQ(again, errc::precondition_failed);
  EXPECT_EQ(found.version, first.version) << "what stood in the way";
  EXPECT_FALSE(cas(Expect::value("1"), "2").first);
  EXPECT_EQ(cas(Expect::version(first.version), "3").first, errc::precondition_failed);
  Waiter<WriteResult> removed(io);
  client->async_cas_remove("key", Expect::value("2"), {}, removed.handler());
  EXPECT_FALSE(removed.wait().error);
  error_code ec;
  get("key", ec);
  EXPECT_EQ(ec, errc::not_found);
}

TEST_F(ClientTest, OperationsGoToTheKeysHome) {
  connect(options());
  wait_for_all_connected();
  error_code ec;
  for (NodeId node = 1; node <= 3; ++node) {
    const int before = cluster.requests_of(node);
    put(key_at(node), "v", ec);
    get(key_at(node), ec);
    EXPECT_EQ(cluster.requests_of(node), before + 2);
  }
}

TEST_F(ClientTest, WorksWithFuturesFromOtherThreads) {
  asio::thread_pool pool(2);
  Client pooled(pool.get_executor(), options());
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string key = std::to_string(t) + "/" + std::to_string(i);
        pooled.async_put(key, key, asio::use_future).get();
        if (pooled.async_get(key, asio::use_future).get().value != key) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  auto missing = pooled.async_get("no such key", asio::use_future);
  EXPECT_THROW(missing.get(), boost::system::system_error);
  {
    const Client gone = std::move(pooled);
  }
  pool.join();
}

TEST_F(ClientTest, WorksWithCoroutines) {
  connect(options());
  bool finished = false;
  asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        co_await client->async_put("key", "value", asio::use_awaitable);
        const GetResult got = co_await client->async_get("key", asio::use_awaitable);
        EXPECT_EQ(got.value, "value");
        error_code ec;
        co_await client->async_get("none", asio::redirect_error(asio::use_awaitable, ec));
        EXPECT_EQ(ec, errc::not_found);
        finished = true;
      },
      asio::detached);
  while (!finished) io.run_one_for(30s);
}

TEST_F(ClientTest, CompletionsRunOnTheHandlersExecutor) {
  connect(options());
  asio::io_context other;
  bool done = false;
  client->async_put("key", "value",
                    asio::bind_executor(other, [&](error_code, WriteResult) { done = true; }));
  std::thread turner([&] { other.run(); });  // kept busy by the operation alone
  while (!other.stopped()) io.run_one_for(10ms);
  turner.join();
  EXPECT_TRUE(done);
}

TEST_F(ClientTest, OneSeedIsEnough) {
  Options with = options();
  with.seeds = {"127.0.0.1:1", cluster.endpoints()[1]};
  connect(with);
  error_code ec;
  put(key_at(3), "v", ec);
  EXPECT_FALSE(ec) << ec.message();
}

TEST_F(ClientTest, RefusedEverywhereEndsWithinItsTimeAsUnreachable) {
  Options with = options();
  with.seeds = {"127.0.0.1:1"};
  with.connect_wait = 300ms;
  connect(with);
  error_code ec;
  const GetResult got = get("key", ec);
  EXPECT_EQ(ec, errc::connection_refused);
  EXPECT_EQ(ec, condition::unreachable);
  EXPECT_NE(got.detail.find("127.0.0.1:1"), std::string::npos) << got.detail;
  const WriteResult written = put("key", "v", ec);
  EXPECT_EQ(ec, condition::unreachable);
}

TEST_F(ClientTest, AnOperationThatNeverReachedANodeSaysWhyAtItsDeadline) {
  Options with = options();
  with.seeds = {"127.0.0.1:1"};
  with.timeout = 300ms;
  with.connect_wait = 10s;
  connect(with);
  error_code ec;
  get("key", ec);
  EXPECT_EQ(ec, errc::connection_refused);
  Waiter<StatusResult> status(io);
  client->async_status(1, {}, status.handler());
  EXPECT_EQ(status.wait().error, errc::connection_refused);
}

TEST_F(ClientTest, AnotherClustersNodesAreRefused) {
  Options with = options();
  with.cluster_id = "mine";
  with.connect_wait = 500ms;
  connect(with);
  error_code ec;
  get("key", ec);
  EXPECT_EQ(ec, errc::wrong_cluster);
}

TEST_F(ClientTest, ASilentHomeCostsAGetOneAttempt) {
  Options with = options();
  with.attempt_timeout = 200ms;
  connect(with);
  wait_for_all_connected();
  const std::string key = key_at(1);
  error_code ec;
  put(key, "v", ec);
  cluster.set_behaviour(1, Behaviour::silent);
  EXPECT_EQ(get(key, ec).value, "v");
  EXPECT_FALSE(ec);
  const int before = cluster.requests_of(1);
  get(key, ec);
  EXPECT_EQ(cluster.requests_of(1), before) << "a node that was silent is asked last for a while";
}

TEST_F(ClientTest, ASilentWriteThatWasAppliedIsFoundOut) {
  Options with = options();
  with.write_attempt_timeout = 200ms;
  connect(with);
  wait_for_all_connected();
  cluster.set_behaviour(2, Behaviour::apply_silently);
  error_code ec;
  const WriteResult written = put(key_at(2), "v", ec);
  ASSERT_FALSE(ec) << ec.message();
  const std::lock_guard lock(cluster.store.mutex);
  EXPECT_EQ(cluster.store.repeated, 0);
  EXPECT_EQ(cluster.store.submitted.size(), 1u) << "never submitted again";
  EXPECT_EQ(cluster.store.resolves, 1);
}

TEST_F(ClientTest, ASilentWriteThatWasNotAppliedIsSubmittedAnew) {
  Options with = options();
  with.write_attempt_timeout = 200ms;
  connect(with);
  wait_for_all_connected();
  cluster.set_behaviour(2, Behaviour::silent);
  error_code ec;
  put(key_at(2), "v", ec);
  ASSERT_FALSE(ec) << ec.message();
  const std::lock_guard lock(cluster.store.mutex);
  EXPECT_EQ(cluster.store.applied.size(), 1u);
  EXPECT_EQ(cluster.store.resolves, 1);
  EXPECT_EQ(cluster.store.applied_after_refusal, 0);
}

TEST_F(ClientTest, WithEveryNodeSilentAWriteIsUnknownAndAGetTimesOut) {
  Options with = options();
  with.timeout = 600ms;
  with.attempt_timeout = with.write_attempt_timeout = 150ms;
  connect(with);
  wait_for_all_connected();
  for (NodeId node = 1; node <= 3; ++node) cluster.set_behaviour(node, Behaviour::silent);
  error_code ec;
  get("key", ec);
  EXPECT_EQ(ec, errc::deadline_exceeded);
  const WriteResult written = put("key", "v", ec);
  EXPECT_EQ(ec, errc::outcome_unknown);
  ASSERT_TRUE(written.token);

  for (NodeId node = 1; node <= 3; ++node) cluster.set_behaviour(node, Behaviour::answer);
  const auto token = WriteToken::parse(written.token.to_string());
  ASSERT_TRUE(token);
  Waiter<ResolveResult> resolved(io);
  client->async_resolve("key", *token, {}, resolved.handler());
  ASSERT_FALSE(resolved.wait().error) << resolved.error.message();
  EXPECT_EQ(resolved.result.resolution, Resolution::not_applied);
}

TEST_F(ClientTest, AFrozenHomeIsNoticedAndLeftOut) {
  Options with = options();
  with.ping_interval = 50ms;
  with.liveness_timeout = 150ms;
  connect(with);
  wait_for_all_connected();
  cluster.freeze(3);
  error_code ec;
  put(key_at(3), "v", ec);
  EXPECT_FALSE(ec) << ec.message();
  EXPECT_EQ(get(key_at(3), ec).value, "v");
  cluster.thaw(3);
  wait_for_all_connected();
  put(key_at(3), "w", ec);
  EXPECT_FALSE(ec) << ec.message();
  const std::lock_guard lock(cluster.store.mutex);
  EXPECT_EQ(cluster.store.repeated, 0);
}

TEST_F(ClientTest, NodesThatComeAndGoCostNoOperation) {
  Options with = options();
  with.attempt_timeout = with.write_attempt_timeout = 300ms;
  connect(with);
  wait_for_all_connected();
  int ended = 0, failed = 0;
  constexpr int total = 400;
  std::string failure;
  std::function<void(int)> run = [&](int i) {
    if (i >= total) return;
    client->async_put("key" + std::to_string(i), "v", [&, i](error_code ec, WriteResult result) {
      ++ended;
      if (ec) {
        ++failed;
        failure = ec.message() + ": " + result.detail;
      }
      run(i + 8);
    });
  };
  for (int i = 0; i < 8; ++i) run(i);
  NodeId down = 0;
  while (ended < total) {
    io.run_one_for(30s);
    const NodeId next = static_cast<NodeId>(ended / 40 % 3 + 1);  // who is to be down now
    if (next == down) continue;
    if (down != 0) cluster.start(down);
    cluster.stop(next);
    down = next;
  }
  EXPECT_EQ(failed, 0) << failure;
  const std::lock_guard lock(cluster.store.mutex);
  EXPECT_EQ(cluster.store.repeated, 0);
  EXPECT_EQ(cluster.store.applied_after_refusal, 0);
  EXPECT_EQ(cluster.store.values.size(), static_cast<std::size_t>(total));
}

TEST_F(ClientTest, ARestartedClusterIsFoundAgain) {
  connect(options());
  error_code ec;
  put("key", "v", ec);
  for (NodeId node = 1; node <= 3; ++node) cluster.stop(node);
  Waiter<GetResult> waiting(io);
  client->async_get("key", waiting.handler());
  io.run_for(300ms);
  EXPECT_EQ(waiting.calls, 0) << "nobody is there, time is left";
  for (NodeId node = 1; node <= 3; ++node) cluster.start(node);
  EXPECT_FALSE(waiting.wait().error) << waiting.error.message();
  EXPECT_EQ(waiting.result.value, "v");
}

TEST_F(ClientTest, StaleWindowsAndOverloadAreRetried) {
  connect(options());
  {
    const std::lock_guard lock(cluster.store.mutex);
    cluster.store.stale_left = 2;
    cluster.store.overloaded_left = 2;
    cluster.store.round_seen = 1000;
  }
  error_code ec;
  put("key", "v", ec);
  EXPECT_FALSE(ec) << ec.message();
  const std::lock_guard lock(cluster.store.mutex);
  EXPECT_EQ(cluster.store.window_high_seen, 1064u) << "the hint's round is taken over";
  EXPECT_EQ(cluster.store.repeated, 0);
}

TEST_F(ClientTest, WhatCannotWorkSaysSo) {
  connect(options());
  error_code ec;
  put("", "v", ec);
  EXPECT_EQ(ec, errc::bad_request);
  put(std::string(4097, 'k'), "v", ec);
  EXPECT_EQ(ec, errc::key_too_large);
  put("key", std::string((1u << 20) + 1, 'v'), ec);
  EXPECT_EQ(ec, errc::value_too_large);
  EXPECT_EQ(ec, condition::invalid_use);
  EXPECT_THROW(Client(io, Options{}), std::invalid_argument);
  Options with = options();
  with.tenant = std::string(65, 't');
  EXPECT_THROW(Client(io, with), std::invalid_argument);
}

TEST_F(ClientTest, TooManyOperationsAreRefusedNotQueued) {
  Options with = options();
  with.operations_max = 2;
  connect(with);
  for (NodeId node = 1; node <= 3; ++node) cluster.set_behaviour(node, Behaviour::silent);
  Waiter<GetResult> first(io), second(io), third(io);
  client->async_get("a", first.handler());
  client->async_get("b", second.handler());
  client->async_get("c", third.handler());
  EXPECT_EQ(third.wait().error, errc::overloaded);
  client.reset();
  EXPECT_EQ(first.wait().error, asio::error::operation_aborted);
  EXPECT_EQ(second.wait().error, asio::error::operation_aborted);
}

TEST_F(ClientTest, CancellationSaysWhetherAWriteLeft) {
  connect(options());
  wait_for_all_connected();
  for (NodeId node = 1; node <= 3; ++node) cluster.set_behaviour(node, Behaviour::silent);
  asio::cancellation_signal stop_get, stop_put;
  Waiter<GetResult> got(io);
  Waiter<WriteResult> written(io);
  client->async_get("key", asio::bind_cancellation_slot(stop_get.slot(), got.handler()));
  client->async_put("key", "v", asio::bind_cancellation_slot(stop_put.slot(), written.handler()));
  while (cluster.requests_of(1) + cluster.requests_of(2) + cluster.requests_of(3) < 2) {
    io.run_one_for(10ms);
  }
  stop_get.emit(asio::cancellation_type::total);
  stop_put.emit(asio::cancellation_type::terminal);
  EXPECT_EQ(got.wait().error, asio::error::operation_aborted);
  EXPECT_EQ(written.wait().error, errc::outcome_unknown);
}

TEST_F(ClientTest, CancellationBeforeAnythingLeftIsAborted) {
  Options with = options();
  with.seeds = {"127.0.0.1:1"};
  connect(with);
  asio::cancellation_signal stop;
  Waiter<WriteResult> written(io);
  client->async_put("key", "v", asio::bind_cancellation_slot(stop.slot(), written.handler()));
  io.run_for(20ms);
  stop.emit(asio::cancellation_type::terminal);
  EXPECT_EQ(written.wait().error, asio::error::operation_aborted);
}

TEST_F(ClientTest, DestructionEndsEverythingHonestly) {
  connect(options());
  wait_for_all_connected();
  for (NodeId node = 1; node <= 3; ++node) cluster.set_behaviour(node, Behaviour::silent);
  Waiter<GetResult> got(io);
  Waiter<WriteResult> written(io);
  client->async_get("key", got.handler());
  client->async_put("key", "v", written.handler());
  while (cluster.requests_of(1) + cluster.requests_of(2) + cluster.requests_of(3) < 2) {
    io.run_one_for(10ms);
  }
  client.reset();
  EXPECT_EQ(got.wait().error, asio::error::operation_aborted);
  EXPECT_EQ(written.wait().error, errc::outcome_unknown);
  io.run();  // nothing keeps it busy any more
}

TEST_F(ClientTest, TheContextMayGoWithOperationsUnderWay) {
  auto context = std::make_unique<asio::io_context>();
  auto doomed = std::make_unique<Client>(*context, options());
  int calls = 0;
  for (int i = 0; i < 10; ++i) {
    doomed->async_get("key", [&](error_code, GetResult) { ++calls; });
    context->run_one_for(10ms);
  }
  doomed.reset();
  context.reset();  // handlers are destroyed uncalled, nothing leaks
}

TEST_F(ClientTest, StatusComesFromTheNodeThatWasAsked) {
  connect(options());
  wait_for_all_connected();
  Waiter<StatusResult> status(io);
  client->async_status(2, {}, status.handler());
  ASSERT_FALSE(status.wait().error) << status.error.message();
  const auto document = protocol::decode_status(status.result.document);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->node, 2u);
  connect(options());  // a new client, which knows no topology yet
  Waiter<StatusResult> early(io);
  client->async_status(3, {}, early.handler());
  EXPECT_FALSE(early.wait().error) << early.error.message();
  Waiter<StatusResult> nobody(io);
  client->async_status(9, {}, nobody.handler());
  EXPECT_EQ(nobody.wait().error, errc::usage);
}

}  // namespace
}  // namespace grey
