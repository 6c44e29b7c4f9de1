#include "tests/cluster/scene.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>

#include "base/check.h"

namespace grey::cluster_test {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

std::string chosen_transport() {
  const char* chosen = std::getenv("GREY_TRANSPORT");
  return chosen != nullptr ? chosen : "auto";
}

bool eventually(const std::function<bool()>& condition, Duration within) {
  constexpr Duration pause = milliseconds(20);
  for (Duration waited{0}; waited < within; waited += pause) {
    if (condition()) return true;
    std::this_thread::sleep_for(pause);
  }
  return condition();
}

Scene::Scene(std::string transport, const std::string& extra_config, const Prepare& prepare)
    : cluster(make(std::move(transport), extra_config, prepare)) {}

Scene::~Scene() {
  for (const auto& node : cluster.nodes()) {
    std::ifstream log(node.log_file);
    for (std::string line; std::getline(log, line);) {
      EXPECT_THAT(line, Not(AnyOf(HasSubstr("Sanitizer"), HasSubstr("runtime error:"))));
    }
  }
}

dev::DevCluster Scene::make(std::string transport, const std::string& extra_config,
                            const Prepare& prepare) const {
  if (prepare) prepare(directory.path());
  auto made = dev::DevCluster::make({.greyd = GREYD_PROGRAM,
                                     .directory = directory.path(),
                                     .transport = std::move(transport),
                                     .cluster_id = "test",
                                     .extra_config = extra_config});
  if (!made) std::fprintf(stderr, "%s\n", made.error().message().c_str());
  GREY_CHECK(made.has_value());
  return *std::move(made);
}

void Scene::start_all() {
  ASSERT_TRUE(succeeded(cluster.start_all()));
  ASSERT_TRUE(wait_until_whole());
}

bool Scene::wait_until_whole() {
  SyncClient client(client_options());
  return eventually([&] {
    for (const auto& node : cluster.nodes()) {
      const auto told = status(client, node.id);
      if (!told || told->state != "serving" || told->peers.size() + 1 != cluster.nodes().size()) {
        return false;
      }
      for (const auto& peer : told->peers) {
        if (peer.state != "up") return false;
      }
    }
    return true;
  });
}

Options Scene::client_options() const {
  Options options;
  for (const auto& node : cluster.nodes()) {
    options.seeds.push_back("127.0.0.1:" + std::to_string(node.port));
  }
  options.tenant = "test";
  options.timeout = seconds(20);
  return options;
}

std::optional<protocol::NodeStatus> Scene::status(SyncClient& client, std::uint32_t node) const {
  boost::system::error_code ec;
  const StatusResult told = client.status(node, ec, {.timeout = milliseconds(500)});
  if (ec) return std::nullopt;
  auto decoded = protocol::decode_status(told.document);
  if (!decoded) return std::nullopt;
  return *std::move(decoded);
}

}  // namespace grey::cluster_test
