#include <grey/sync_client.h>
#include <gtest/gtest.h>

#include "client/testing/fake_cluster.h"

namespace grey {
namespace {

using boost::system::error_code;

TEST(SyncClient, DoesEverythingAndReturnsWhenDone) {
  client::testing::FakeCluster cluster;
  Options options;
  options.seeds = cluster.endpoints();
  SyncClient client(options);
  error_code ec;
  const WriteResult written = client.put("key", "1", ec);
  ASSERT_FALSE(ec) << ec.message();
  EXPECT_EQ(client.get("key", ec).value, "1");
  client.cas("key", Expect::version(written.version), "2", ec);
  EXPECT_FALSE(ec);
  client.cas_remove("key", Expect::value("1"), ec);
  EXPECT_EQ(ec, errc::precondition_failed);
  client.remove("key", ec);
  EXPECT_FALSE(ec);
  client.get("key", ec);
  EXPECT_EQ(ec, errc::not_found);
  EXPECT_EQ(client.resolve("key", written.token, ec).resolution, Resolution::applied);
  EXPECT_EQ(client.cluster(ec).cluster_id, "fake");
  EXPECT_FALSE(client.status(1, ec).document.empty());
}

TEST(SyncClient, CanGoAtAnyTime) {
  Options options;
  options.seeds = {"127.0.0.1:1"};
  for (int i = 0; i < 20; ++i) SyncClient client(options);
}

}  // namespace
}  // namespace grey
