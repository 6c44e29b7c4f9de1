#include "transport/select/make_transport.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <thread>

#include "transport/select/testing/deny_system_call.h"

namespace grey::transport {
namespace {

using std::chrono::seconds;

struct Echo : StreamHandler {
  explicit Echo(std::unique_ptr<Stream> s) : stream(std::move(s)) { stream->start(*this); }
  void on_receive(std::string_view bytes) override {
    received += bytes;
    if (then) then();
  }
  void on_receive_end() override {}
  void on_sent(SendBatch) override {}
  void on_closed(const Error&) override {}
  void send(ByteView bytes) {
    SendBatch batch;
    batch.append(bytes);
    stream->send(std::move(batch));
  }
  std::unique_ptr<Stream> stream;
  Bytes received;
  std::function<void()> then;
};

/// What came back of "hello", sent to an echo on the same loop.
Bytes echo_on(RunnableTransport& transport) {
  std::unique_ptr<Echo> server, client;
  auto listener = transport.listen({"127.0.0.1", 0}, [&](std::unique_ptr<Stream> stream) {
    server = std::make_unique<Echo>(std::move(stream));
    server->then = [&] { server->send(server->received); };
  });
  if (!listener) return listener.error().message();
  const auto attempt = transport.connect((*listener)->local_endpoint(),
                                         transport.now() + seconds(30), [&](auto stream) {
                                           if (!stream) return transport.stop();
                                           client = std::make_unique<Echo>(std::move(*stream));
                                           client->then = [&] {
                                             if (client->received.size() == 5) transport.stop();
                                           };
                                           client->send("hello");
                                         });
  transport.schedule_after(seconds(60), [&] { transport.stop(); });
  transport.run();
  return client ? client->received : Bytes();
}

TEST(TransportKind, ReadsTheSetting) {
  EXPECT_EQ(parse_transport_kind("auto"), TransportKind::automatic);
  EXPECT_EQ(parse_transport_kind("io_uring"), TransportKind::io_uring);
  EXPECT_EQ(parse_transport_kind("asio"), TransportKind::asio);
  const auto wrong = parse_transport_kind("epoll");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, ErrorCode::config_bad_value);
  EXPECT_NE(wrong.error().detail.find("'epoll'"), std::string::npos);
}

TEST(MakeTransport, AsioAsConfigured) {
  auto chosen = make_transport(TransportKind::asio);
  ASSERT_TRUE(chosen.has_value());
  EXPECT_EQ(chosen->transport->name(), "asio");
  EXPECT_EQ(echo_on(*chosen->transport), "hello");
}

TEST(MakeTransport, AutomaticTakesIoUringExactlyWhereItCanBeHad) {
  auto by_name = make_transport(TransportKind::io_uring);
  auto chosen = make_transport(TransportKind::automatic);
  ASSERT_TRUE(chosen.has_value()) << chosen.error().message();
  EXPECT_EQ(chosen->transport->name(), by_name ? "io_uring" : "asio");
  EXPECT_FALSE(chosen->reason.empty());
  EXPECT_EQ(echo_on(*chosen->transport), "hello");
  if (!by_name) {
    EXPECT_EQ(by_name.error().code, ErrorCode::transport_unsupported);
  }
}

struct Denial {
  const char* name;
  unsigned system_call;
  unsigned error_number;
  friend void PrintTo(const Denial& denial, std::ostream* out) { *out << denial.name; }
};

class Denied : public ::testing::TestWithParam<Denial> {};

TEST_P(Denied, AutomaticFallsBackAndWorksWhileByNameFailsClearly) {
  // A seccomp filter holds for its thread only, and goes with it.
  std::jthread([] {
    ASSERT_TRUE(testing::deny_system_call(GetParam().system_call, GetParam().error_number));

    auto chosen = make_transport(TransportKind::automatic);
    ASSERT_TRUE(chosen.has_value()) << chosen.error().message();
    EXPECT_EQ(chosen->transport->name(), "asio");
    EXPECT_NE(chosen->reason.find("io_uring"), std::string::npos) << chosen->reason;
    EXPECT_EQ(echo_on(*chosen->transport), "hello");

    const auto by_name = make_transport(TransportKind::io_uring);
    ASSERT_FALSE(by_name.has_value());
    EXPECT_EQ(by_name.error().code, ErrorCode::transport_unsupported);
    const std::string detail = by_name.error().detail;
    EXPECT_NE(detail.find(GetParam().name), std::string::npos) << detail;
    EXPECT_NE(detail.find("transport: asio"), std::string::npos) << "what to do: " << detail;
  }).join();
}

INSTANTIATE_TEST_SUITE_P(Seccomp, Denied,
                         ::testing::Values(Denial{"io_uring_setup", SYS_io_uring_setup, EPERM},
                                           Denial{"io_uring_setup", SYS_io_uring_setup, ENOSYS},
                                           Denial{"io_uring_enter", SYS_io_uring_enter, EPERM},
                                           Denial{"io_uring_register", SYS_io_uring_register,
                                                  EPERM}),
                         [](const auto& test) {
                           return std::string(test.param.name) +
                                  (test.param.error_number == EPERM ? "_EPERM" : "_ENOSYS");
                         });

}  // namespace
}  // namespace grey::transport
