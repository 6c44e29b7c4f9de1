// greyd on a host that denies io_uring by a seccomp filter, as container runtimes do, and the
// places where the transport can be said. The filter holds for a thread of the test and for the
// processes that it starts; they end with that thread.
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "tests/cluster/program.h"
#include "tests/cluster/scene.h"
#include "transport/select/testing/deny_system_call.h"

namespace grey::cluster_test {
namespace {

using testing::HasSubstr;

std::string text_of(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

/// Runs `test` where a system call is denied.
void without(unsigned system_call, int error_number, const std::function<void()>& test) {
  std::jthread([&] {
    ASSERT_TRUE(
        transport::testing::deny_system_call(system_call, static_cast<unsigned>(error_number)));
    ASSERT_EQ(::syscall(system_call, 0, nullptr, 0, 0, nullptr, 0), -1);
    ASSERT_EQ(errno, error_number) << "the filter does not hold";
    test();
  }).join();
}

void expect_serves_on_asio(Scene& scene, const std::string& reason) {
  SyncClient client(scene.client_options());
  boost::system::error_code ec;
  client.put("key", "value", ec);
  EXPECT_FALSE(ec) << ec.message();
  EXPECT_EQ(client.get("key", ec).value, "value") << ec.message();
  for (const auto& node : scene.cluster.nodes()) {
    EXPECT_THAT(text_of(node.log_file), HasSubstr("transport asio: " + reason));
    const auto told = scene.status(client, node.id);
    ASSERT_TRUE(told.has_value());
    EXPECT_EQ(told->transport, "asio");
    EXPECT_THAT(told->transport_reason, HasSubstr(reason));
  }
}

TEST(TransportChoice, AutomaticSurvivesTheDenialOfIoUringAndSaysSo) {
  without(SYS_io_uring_setup, EPERM, [] {
    Scene scene("auto");
    ASSERT_NO_FATAL_FAILURE(scene.start_all());
    expect_serves_on_asio(scene, "asio because io_uring is not available: io_uring_setup");
  });
}

// Some filters let a ring be made and only refuse to run it.
TEST(TransportChoice, AutomaticSurvivesAHalfDeniedIoUring) {
  without(SYS_io_uring_enter, EACCES, [] {
    Scene scene("auto");
    ASSERT_NO_FATAL_FAILURE(scene.start_all());
    expect_serves_on_asio(scene, "asio because io_uring is not available: io_uring_enter");
  });
}

class TransportSettings : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("GREY_TRANSPORT"); }  // NOLINT(concurrency-mt-unsafe)

  /// One run of node 1 that must fail at once, with one line for people.
  ProgramEnd failed_run(const std::vector<std::string>& flags) {
    const auto& node = scene_.cluster.nodes().front();
    std::vector<std::string> arguments = {
        GREYD_PROGRAM, "run", "--config",   scene_.cluster.config_path(),
        "--node",      "1",   "--data-dir", node.data_dir};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    ProgramEnd end = run_program(arguments, scene_.directory.path());
    EXPECT_EQ(std::ranges::count(end.output, '\n'), 1) << end.output;
    return end;
  }

  Scene scene_{"asio", "transport: io_uring\n"};
};

TEST_F(TransportSettings, IoUringByNameWhereItIsDeniedIsOneClearErrorAndDamagesNothing) {
  ::unsetenv("GREY_TRANSPORT");  // NOLINT(concurrency-mt-unsafe)
  without(SYS_io_uring_setup, ENOSYS, [this] {
    const ProgramEnd end = failed_run({});
    EXPECT_EQ(end.exit_status, 9);
    EXPECT_THAT(end.output, HasSubstr("transport_unsupported"));
    EXPECT_THAT(end.output, HasSubstr("io_uring_setup"));
    EXPECT_THAT(end.output, HasSubstr("use transport: asio"));
  });
  // The advice works, on the same data directory.
  ASSERT_NO_FATAL_FAILURE(scene_.start_all());
  expect_serves_on_asio(scene_, "asio as configured");
}

TEST_F(TransportSettings, AFlagIsAboveTheEnvironmentAndThatAboveTheFile) {
  ::setenv("GREY_TRANSPORT", "epoll", 1);  // NOLINT(concurrency-mt-unsafe)
  ProgramEnd end = failed_run({});
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_THAT(end.output, HasSubstr("transport 'epoll'; choose auto, io_uring or asio"));
  end = failed_run({"--transport", "kqueue"});
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_THAT(end.output, HasSubstr("transport 'kqueue'"));
}

}  // namespace
}  // namespace grey::cluster_test
