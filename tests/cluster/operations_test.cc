// What a client can do with three real processes, on each of the transports.
#include <vector>

#include <grey/error.h>

#include "tests/cluster/scene.h"

namespace grey::cluster_test {
namespace {

using boost::system::error_code;

class Operations : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(scene_.start_all()); }
  Scene scene_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Transport, Operations, testing::Values("io_uring", "asio"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(Operations, PutGetRemoveAndCompareAndSwap) {
  SyncClient client(scene_.client_options());
  error_code ec;
  EXPECT_TRUE(client.get("fruit", ec).value.empty());
  EXPECT_EQ(ec, errc::not_found);

  const WriteResult put = client.put("fruit", "apple", ec);
  ASSERT_FALSE(ec) << put.detail;
  GetResult got = client.get("fruit", ec);
  ASSERT_FALSE(ec) << got.detail;
  EXPECT_EQ(got.value, "apple");
  EXPECT_EQ(got.version, put.version);

  client.cas("fruit", Expect::absent(), "pear", ec);
  EXPECT_EQ(ec, errc::precondition_failed);
  client.cas("fruit", Expect::value("pear"), "plum", ec);
  EXPECT_EQ(ec, errc::precondition_failed);
  const WriteResult swapped = client.cas("fruit", Expect::value("apple"), "pear", ec);
  ASSERT_FALSE(ec) << swapped.detail;
  client.cas("fruit", Expect::version(put.version), "fig", ec);
  EXPECT_EQ(ec, errc::precondition_failed);
  client.cas("fruit", Expect::version(swapped.version), "fig", ec);
  ASSERT_FALSE(ec);
  EXPECT_EQ(client.get("fruit", ec).value, "fig");

  client.remove("fruit", ec);
  ASSERT_FALSE(ec);
  client.get("fruit", ec);
  EXPECT_EQ(ec, errc::not_found);
  const WriteResult nothing_there = client.cas("fruit", Expect::value("fig"), "date", ec);
  EXPECT_EQ(ec, errc::precondition_failed);
  EXPECT_FALSE(nothing_there.version);
  client.cas("fruit", Expect::absent(), "date", ec);
  ASSERT_FALSE(ec);
  client.cas_remove("fruit", Expect::value("date"), ec);
  ASSERT_FALSE(ec);
  client.get("fruit", ec);
  EXPECT_EQ(ec, errc::not_found);
}

TEST_P(Operations, ValuesOfEverySizeAndKeysOfAnyBytes) {
  SyncClient client(scene_.client_options());
  const std::vector<std::size_t> sizes = {0, 1, 100, 4096, 65'535, 65'536, 300'000, 1u << 20};
  for (const std::size_t size : sizes) {
    const std::string key = std::string("\0\xff\n", 3) + std::to_string(size);
    const std::string value(size, static_cast<char>(size % 251));
    error_code ec;
    const WriteResult put = client.put(key, value, ec);
    ASSERT_FALSE(ec) << size << ": " << ec.message() << " " << put.detail;
    const GetResult got = client.get(key, ec);
    ASSERT_FALSE(ec) << size << ": " << ec.message() << " " << got.detail;
    EXPECT_TRUE(got.value == value) << size;
  }
  error_code ec;
  client.put("large", std::string((1u << 20) + 1, 'x'), ec);
  EXPECT_EQ(ec, errc::value_too_large);
  client.put("", "x", ec);
  EXPECT_EQ(ec, condition::invalid_use) << ec.message();
}

TEST_P(Operations, TenantsDoNotSeeOneAnother) {
  SyncClient one(scene_.client_options());
  Options other_options = scene_.client_options();
  other_options.tenant = "other";
  SyncClient other(other_options);
  error_code ec;
  one.put("k", "of one", ec);
  ASSERT_FALSE(ec);
  other.get("k", ec);
  EXPECT_EQ(ec, errc::not_found);
}

TEST_P(Operations, AnotherClustersClientIsTurnedAway) {
  Options options = scene_.client_options();
  options.cluster_id = "production";
  options.timeout = seconds(3);
  SyncClient client(options);
  error_code ec;
  const GetResult got = client.get("k", ec);
  EXPECT_EQ(ec, errc::wrong_cluster) << ec.message();
  EXPECT_NE(got.detail.find("cluster"), std::string::npos) << got.detail;
}

TEST_P(Operations, EachNodeSaysWhatItRunsOn) {
  SyncClient client(scene_.client_options());
  for (const auto& node : scene_.cluster.nodes()) {
    const auto told = scene_.status(client, node.id);
    ASSERT_TRUE(told.has_value());
    EXPECT_EQ(told->transport, GetParam());
    EXPECT_EQ(told->storage, "rocksdb");
    EXPECT_EQ(told->cluster_id, "test");
    EXPECT_FALSE(told->transport_reason.empty());
  }
}

TEST_P(Operations, WhatWasAcknowledgedOutlivesAllProcesses) {
  SyncClient client(scene_.client_options());
  load::PutLoad load(client, scene_.load_options("durable/"));
  load.start();
  ASSERT_TRUE(load.wait_for_more(300, seconds(60)));
  for (const auto& node : scene_.cluster.nodes()) {
    ASSERT_TRUE(succeeded(scene_.cluster.kill(node.id)));
  }
  for (const auto& node : scene_.cluster.nodes()) {
    ASSERT_TRUE(succeeded(scene_.cluster.start(node.id)));
  }
  load.stop();
  EXPECT_THAT(load.verify(), testing::IsEmpty());
}

TEST_P(Operations, WithoutAMajorityNothingIsClaimedAndNothingHangs) {
  Options options = scene_.client_options();
  options.timeout = seconds(2);
  SyncClient client(options);
  error_code ec;
  client.put("k", "before", ec);
  ASSERT_FALSE(ec);
  ASSERT_TRUE(succeeded(scene_.cluster.kill(2)));
  ASSERT_TRUE(succeeded(scene_.cluster.kill(3)));
  client.get("k", ec);
  EXPECT_TRUE(ec == errc::no_quorum || ec == errc::deadline_exceeded) << ec.message();
  const WriteResult put = client.put("k", "after", ec);
  EXPECT_TRUE(ec == errc::no_quorum || ec == errc::deadline_exceeded || ec == errc::outcome_unknown)
      << ec.message();
  const bool unknown = ec == errc::outcome_unknown;
  EXPECT_TRUE(put.token);

  ASSERT_TRUE(succeeded(scene_.cluster.start(2)));
  ASSERT_TRUE(succeeded(scene_.cluster.start(3)));
  ASSERT_TRUE(scene_.wait_until_whole());
  const GetResult got = client.get("k", ec);
  ASSERT_FALSE(ec) << ec.message() << " " << got.detail;
  if (unknown) {
    const ResolveResult fate = client.resolve("k", put.token, ec);
    ASSERT_FALSE(ec) << ec.message();
    ASSERT_NE(fate.resolution, Resolution::unknown);
    const bool applied = fate.resolution == Resolution::applied;
    EXPECT_EQ(client.get("k", ec).value, applied ? "after" : "before");
  } else {
    EXPECT_EQ(got.value, "before");
  }
}

}  // namespace
}  // namespace grey::cluster_test
