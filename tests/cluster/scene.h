// Three real greyd processes in a directory of their own, and clients for them.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <grey/sync_client.h>
#include <gtest/gtest.h>

#include "apps/dev_cluster/dev_cluster.h"
#include "apps/load/put_load.h"
#include "base/clock.h"
#include "protocol/node_status.h"
#include "storage/testing/temporary_directory.h"

namespace grey::cluster_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// GREY_TRANSPORT, as for every program of Grey; else the node's own choice.
std::string chosen_transport();

/// Polls: what processes do is seen from outside only.
bool eventually(const std::function<bool()>& condition, Duration within = seconds(30));

class Scene {
 public:
  using Prepare = std::function<void(const std::string& directory)>;
  /// Prepares the cluster and starts nothing. `prepare` is called first, with the directory below
  /// which node 1's data will be in node1/, and so on.
  explicit Scene(std::string transport = chosen_transport(), const std::string& extra_config = "",
                 const Prepare& prepare = {});

  /// Fails the test if a sanitizer has found something in a node.
  ~Scene();

  /// Starts all nodes, and waits until each is connected with the others.
  void start_all();
  /// True once each node says that it is connected with all others.
  bool wait_until_whole();

  Options client_options() const;
  load::PutLoadOptions load_options(std::string prefix) const {
    return {.prefix = std::move(prefix), .clock = &clock};
  }
  /// What a node says of itself; nothing if it does not answer.
  std::optional<protocol::NodeStatus> status(SyncClient& client, std::uint32_t node) const;

  SystemClock clock;
  storage::TemporaryDirectory directory;
  dev::DevCluster cluster;

 private:
  dev::DevCluster make(std::string transport, const std::string& extra_config,
                       const Prepare& prepare) const;
};

/// For EXPECT_TRUE on a Status or a Result, with what it says.
template <typename Outcome>
testing::AssertionResult succeeded(const Outcome& outcome) {
  if (outcome.has_value()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << outcome.error().message();
}

}  // namespace grey::cluster_test
