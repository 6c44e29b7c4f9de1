#include "cluster/node/peer_messages.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "cluster/ring/token.h"
#include "protocol/messages.h"

namespace grey::cluster {
namespace {

Ballot ballot(std::uint64_t round) { return {1, round, 2, 3, 4}; }

KeyName name() { return KeyName::make("acme", "key", token_of("acme", "key")); }

Record value_record() {
  Record record;
  record.ballot = ballot(9);
  record.kind = RecordKind::value;
  record.base = ballot(8);
  record.operation = {{11, 12}, 13};
  record.value = SharedBytes::copy_of("hello");
  return record;
}

std::vector<ReplicaRequest> requests() {
  return {{1, 77, name(), ReadRequest{true}},
          {1, 77, name(), ReadRequest{false}},
          {1, 77, name(), PrepareRequest{ballot(5)}},
          {1, 77, name(), AcceptRequest{value_record()}},
          {1, 77, {}, PrepareRangeRequest{ballot(6)}}};
}

Bytes encoded(const ReplicaRequest& request) {
  Bytes body;
  const SharedBytes value = encode_peer_request(request, body);
  return body + Bytes(value.view());
}

TEST(PeerMessages, RequestsComeBackAsTheyWere) {
  for (const ReplicaRequest& request : requests()) {
    const auto back = decode_peer_request(method_of(request), encoded(request), {});
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->epoch, request.epoch);
    EXPECT_EQ(back->range, request.range);
    EXPECT_EQ(back->key.packed, request.key.packed);
    EXPECT_EQ(back->key.token, request.key.token);
    EXPECT_EQ(back->body.index(), request.body.index());
    EXPECT_EQ(encoded(*back), encoded(request));
  }
}

TEST(PeerMessages, RepliesComeBackAsTheyWere) {
  ReplicaReply reply;
  reply.epoch = 1;
  reply.granted = true;
  reply.range_promise = ballot(1);
  reply.key_promise = ballot(2);
  reply.record = value_record();
  reply.value_included = true;
  Bytes body;
  const SharedBytes value = encode_peer_reply(reply, body);
  const auto back = decode_peer_reply(body + Bytes(value.view()));
  ASSERT_TRUE(back.has_value());
  EXPECT_TRUE(back->granted);
  EXPECT_EQ(back->range_promise, reply.range_promise);
  EXPECT_EQ(back->key_promise, reply.key_promise);
  EXPECT_EQ(back->record.ballot, reply.record.ballot);
  EXPECT_EQ(back->record.base, reply.record.base);
  EXPECT_EQ(back->record.operation, reply.record.operation);
  EXPECT_EQ(back->record.value.view(), "hello");
}

TEST(PeerMessages, TruncatedOrDamagedRequestsAreRefusedOrDecodeToSomethingValid) {
  Random random(7);
  for (const ReplicaRequest& request : requests()) {
    const Bytes whole = encoded(request);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(decode_peer_request(method_of(request), whole.substr(0, size), {}));
    }
    for (int i = 0; i < 2000; ++i) {
      Bytes damaged = whole;
      damaged[random.below(damaged.size())] = static_cast<char>(random.next());
      const auto back = decode_peer_request(method_of(request), damaged, {});
      if (!back) continue;
      if (const auto* accept = std::get_if<AcceptRequest>(&back->body)) {
        EXPECT_NE(accept->record.kind, RecordKind::absent);
        EXPECT_TRUE(!accept->record.base || *accept->record.base < accept->record.ballot);
      }
    }
  }
}

TEST(PeerMessages, ARoundThatNobodyCanGoAboveIsRefused) {
  const auto prepare = [](std::uint64_t round) {
    const ReplicaRequest request{1, 77, name(), PrepareRequest{ballot(round)}};
    return decode_peer_request(method_of(request), encoded(request), {});
  };
  EXPECT_TRUE(prepare(peer_round_end - 1).has_value());
  EXPECT_FALSE(prepare(peer_round_end).has_value());
  EXPECT_FALSE(prepare(~0ull).has_value());
  ReplicaReply reply;
  reply.range_promise = ballot(peer_round_end);
  Bytes body;
  encode_peer_reply(reply, body);
  EXPECT_FALSE(decode_peer_reply(body).has_value());
}

TEST(PeerMessages, ATenantOrAKeyBeyondTheLimitIsRefused) {
  const auto read = [](std::size_t tenant_size, std::size_t key_size) {
    const auto key = KeyName::make(Bytes(tenant_size, 't'), Bytes(key_size, 'k'), 0);
    const ReplicaRequest request{1, 77, key, ReadRequest{true}};
    return decode_peer_request(method_of(request), encoded(request), {.key_bytes_max = 100});
  };
  EXPECT_TRUE(read(protocol::limit::tenant_bytes, 100).has_value());
  EXPECT_TRUE(read(0, 1).has_value());
  EXPECT_FALSE(read(protocol::limit::tenant_bytes + 1, 1).has_value());
  EXPECT_FALSE(read(0, 101).has_value());
  EXPECT_FALSE(read(0, 0).has_value());
}

TEST(PeerMessages, AValueBeyondTheLimitIsRefused) {
  protocol::DataLimits limits;
  limits.value_bytes_max = 4;
  const ReplicaRequest request{1, 77, name(), AcceptRequest{value_record()}};
  EXPECT_FALSE(decode_peer_request(method_of(request), encoded(request), limits));
}

}  // namespace
}  // namespace grey::cluster
