#include "protocol/data_messages.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "protocol/msgpack_writer.h"

namespace grey::protocol {
namespace {

const DataLimits limits{.key_bytes_max = 64, .value_bytes_max = 1024};
const OperationId id{{0x0102030405060708, 0x1112131415161718}, 7};
const WireBallot ballot{1, 5, 2, 3, 99};
const WireWindow window{1, ballot, 69};
const WireHint hint{64, ballot};

template <typename Message>
Bytes whole(const Message& message, ByteView value = {}) {
  Bytes body;
  encode_head(message, body);
  body += value;
  return body;
}

TEST(DataMessages, GetRequestRoundTrips) {
  const Bytes body = whole(GetRequest{.key = "k"});
  GetRequest out;
  ASSERT_EQ(decode(body, limits, out), ErrorCode::ok);
  EXPECT_EQ(out.key, "k");
  EXPECT_EQ(out.level, Level::majority);
}

TEST(DataMessages, PutRoundTripsWithTheValueLast) {
  const Bytes value(1000, 'v');
  const Bytes body = whole(PutRequest{"k\0y", id, window, value}, value);
  EXPECT_TRUE(body.ends_with(value));
  PutRequest out;
  ASSERT_EQ(decode(body, limits, out), ErrorCode::ok);
  EXPECT_EQ(out.operation, id);
  EXPECT_EQ(out.window, window);
  EXPECT_EQ(out.value, value);
  EXPECT_EQ(out.value.data(), body.data() + body.size() - value.size());  // a view, no copy
}

TEST(DataMessages, HeadStaysWithinItsStatedOverhead) {
  const WireBallot wide{~0ull, limit::round_end - 1, ~0u, ~0ull, ~0ull};
  const OperationId wide_id{{~0ull, ~0ull}, ~0ull};
  const WireWindow wide_window{~0ull, wide, limit::round_end - 1};
  EXPECT_LE(whole(PutRequest{"", wide_id, wide_window, {}}).size(), limit::data_overhead_bytes);
  EXPECT_LE(
      whole(
          CasRequest{"", wide_id, wide_window, CasRequest::Expect::version, {}, wide_id, false, {}})
          .size(),
      limit::data_overhead_bytes);
  EXPECT_LE(whole(GetReply{{limit::round_end - 1, wide}, wide_id, {}}).size(),
            limit::data_overhead_bytes);
}

TEST(DataMessages, RemoveAndResolveShareAShape) {
  const Bytes body = whole(RemoveRequest{"key", id, window});
  RemoveRequest out;
  ASSERT_EQ(decode(body, limits, out), ErrorCode::ok);
  EXPECT_EQ(out.key, "key");
  EXPECT_EQ(out.operation, id);
  EXPECT_EQ(out.window, window);
}

TEST(DataMessages, CasRoundTripsEveryExpectation) {
  using Expect = CasRequest::Expect;
  for (const Expect expect : {Expect::absent, Expect::value, Expect::version}) {
    for (const bool removes : {false, true}) {
      CasRequest in{.key = "k", .operation = id, .window = window, .expect = expect};
      if (expect == Expect::value) in.expected_value = "old";
      if (expect == Expect::version) in.expected_version = id;
      in.removes = removes;
      in.value = removes ? "" : "new";
      const Bytes body = whole(in, in.value);
      CasRequest out;
      ASSERT_EQ(decode(body, limits, out), ErrorCode::ok);
      EXPECT_EQ(out.expect, expect);
      EXPECT_EQ(out.expected_value, in.expected_value);
      EXPECT_EQ(out.expected_version, in.expected_version);
      EXPECT_EQ(out.removes, removes);
      EXPECT_EQ(out.value, in.value);
    }
  }
}

TEST(DataMessages, CasThatRemovesHasNoNewValue) {
  CasRequest in{.key = "k", .operation = id, .window = window};
  in.removes = true;
  in.value = "new";
  CasRequest out;
  EXPECT_EQ(decode(whole(in, in.value), limits, out), ErrorCode::bad_request);
}

TEST(DataMessages, RepliesRoundTrip) {
  const Bytes body = whole(GetReply{hint, id, "value"}, "value");
  GetReply get;
  ASSERT_EQ(decode(body, limits, get), ErrorCode::ok);
  EXPECT_EQ(get.hint, hint);
  EXPECT_EQ(get.version, id);
  EXPECT_EQ(get.value, "value");
  WriteReply write;
  ASSERT_EQ(decode(whole(WriteReply{{9, std::nullopt}, {}}), write), ErrorCode::ok);
  EXPECT_EQ(write.hint.round_seen, 9u);
  EXPECT_FALSE(write.hint.home);
  EXPECT_FALSE(write.version);
  ResolveReply resolve;
  ASSERT_EQ(decode(whole(ResolveReply{hint, ResolveReply::Outcome::never}), resolve),
            ErrorCode::ok);
  EXPECT_EQ(resolve.outcome, ResolveReply::Outcome::never);
}

TEST(DataMessages, NilIsAReplyWithoutAHint) {
  WriteReply write{hint, id};
  ASSERT_EQ(decode("\xc0", write), ErrorCode::ok);
  EXPECT_EQ(write.hint, WireHint{});
  EXPECT_EQ(decode(ByteView("\xc0\xc0", 2), write), ErrorCode::bad_envelope);
}

TEST(DataMessages, ClusterInfoRoundTrips) {
  const ClusterInfo info{.epoch = 3,
                         .cluster_id = "c",
                         .replication_factor = 3,
                         .virtual_nodes = 256,
                         .nodes = {{1, "127.0.0.1:1", "r1", "z1"}, {2, "127.0.0.1:2", "", ""}},
                         .self = 2,
                         .round_seen = 8,
                         .value_bytes_max = 1 << 20,
                         .server_version = "0.1.0"};
  const auto out = decode_cluster_info(whole(info));
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(*out, info);
}

TEST(DataMessages, LimitsAreNamed) {
  const Bytes key(65, 'k'), value(1025, 'v');
  GetRequest get;
  EXPECT_EQ(decode(whole(GetRequest{.key = key}), limits, get), ErrorCode::key_too_large);
  EXPECT_EQ(decode(whole(GetRequest{.key = ""}), limits, get), ErrorCode::bad_request);
  PutRequest put;
  EXPECT_EQ(decode(whole(PutRequest{"k", id, window, value}, value), limits, put),
            ErrorCode::value_too_large);
  EXPECT_EQ(decode(whole(PutRequest{key, id, window, value}, value), limits, put),
            ErrorCode::key_too_large);
}

TEST(DataMessages, WindowsThatHoldNoBallotAreRefused) {
  PutRequest out;
  const auto answer = [&](const WireWindow& w) {
    return decode(whole(PutRequest{"k", id, w, {}}), limits, out);
  };
  EXPECT_EQ(answer({1, {}, 64}), ErrorCode::ok);
  EXPECT_EQ(answer({1, {1, 64, 1, 1, 1}, 64}), ErrorCode::ok);
  EXPECT_EQ(answer({1, {}, 0}), ErrorCode::bad_request);
  EXPECT_EQ(answer({1, {1, 65, 1, 1, 1}, 64}), ErrorCode::bad_request);
  EXPECT_EQ(answer({1, {2, 1, 1, 1, 1}, 64}), ErrorCode::bad_request);
  EXPECT_EQ(answer({1, {}, limit::round_end}), ErrorCode::bad_request);
}

TEST(DataMessages, UnknownLaterFieldsAreIgnored) {
  Bytes body;
  msgpack::Writer out(body);
  out.array(3).array(4).bin("k");
  out.array(3).bin(Bytes(16, '\1')).uint(1).str("later");
  out.array(3).uint(1).array(5).uint(0).uint(0).uint(0).uint(0).uint(0).uint(64);
  out.map(1).str("later").array(1).nil();
  out.bin("value").boolean(true);
  PutRequest put;
  ASSERT_EQ(decode(body, limits, put), ErrorCode::ok);
  EXPECT_EQ(put.value, "value");
}

// Every truncation, and many corruptions, of every message: decoded or refused, never misread
// memory (the sanitizers watch), and never decoded from fewer bytes than were written.
template <typename Decode>
void torture(const Bytes& body, Decode decode_one) {
  for (std::size_t size = 0; size < body.size(); ++size) {
    const Bytes cut(body.data(), size);
    EXPECT_NE(decode_one(ByteView(cut)), ErrorCode::ok) << size;
  }
  EXPECT_NE(decode_one(ByteView(body + '\0')), ErrorCode::ok);
  Random random(20);
  for (int i = 0; i < 20'000; ++i) {
    Bytes bad = body;
    for (std::uint64_t n = random.between(1, 4); n > 0; --n) {
      bad[random.below(bad.size())] = static_cast<char>(random.next());
    }
    (void)decode_one(ByteView(bad));
  }
}

TEST(DataMessages, HostileBodiesAreRefused) {
  torture(whole(GetRequest{.key = "key"}), [](ByteView b) {
    GetRequest out;
    return decode(b, limits, out);
  });
  torture(whole(PutRequest{"key", id, window, "value"}, "value"), [](ByteView b) {
    PutRequest out;
    return decode(b, limits, out);
  });
  torture(whole(RemoveRequest{"key", id, window}), [](ByteView b) {
    RemoveRequest out;
    return decode(b, limits, out);
  });
  CasRequest cas{.key = "key", .operation = id, .window = window};
  cas.expect = CasRequest::Expect::version;
  cas.expected_version = id;
  cas.value = "new";
  torture(whole(cas, cas.value), [](ByteView b) {
    CasRequest out;
    return decode(b, limits, out);
  });
  torture(whole(GetReply{hint, id, "value"}, "value"), [](ByteView b) {
    GetReply out;
    return decode(b, limits, out);
  });
  torture(whole(WriteReply{hint, id}), [](ByteView b) {
    WriteReply out;
    return decode(b, out);
  });
  torture(whole(ResolveReply{hint, ResolveReply::Outcome::applied}), [](ByteView b) {
    ResolveReply out;
    return decode(b, out);
  });
  const ClusterInfo info{3, "c", 3, 256, {{1, "127.0.0.1:1", "r1", "z1"}}, 1, 8, 1 << 20, "0.1.0"};
  torture(whole(info), [](ByteView b) {
    const auto out = decode_cluster_info(b);
    return out ? ErrorCode::ok : out.error().code;
  });
}

}  // namespace
}  // namespace grey::protocol
