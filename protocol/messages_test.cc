// Envelopes: what is encoded is decoded, later versions may add elements, and each broken rule has
// its error.
#include "protocol/messages.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/endian.h"
#include "protocol/msgpack_writer.h"

namespace grey::protocol {
namespace {

using nlohmann::json;

constexpr msgpack::Limits limits;

template <typename Encode>
Bytes encoded(Encode encode_into) {
  char buffer[limit::envelope_head_bytes];
  return Bytes(buffer, static_cast<std::size_t>(encode_into(buffer) - buffer));
}

Bytes packed(const json& value) {
  const auto bytes = json::to_msgpack(value);
  return Bytes(bytes.begin(), bytes.end());
}

json id16(char fill) { return json::binary(std::vector<std::uint8_t>(16, fill)); }

template <typename Message>
ErrorCode error_of(const json& value) {
  Message message;
  return decode(packed(value), limits, message);
}

const json valid_request = {16, 5, 300, 1500, 4096, "acme", nullptr, nullptr, {"body"}};

TEST(Messages, RequestHeadIsWhatTheSpecificationSays) {
  const RequestView request{.request_id = 5,
                            .method = 300,
                            .deadline_ms = 1500,
                            .reply_bytes_max = 4096,
                            .tenant = "acme",
                            .trace = {1, 2, 3, 4, {}},
                            .idempotency = {{5, 6}, 7}};
  const Bytes envelope =
      encoded([&](char* to) { return encode_head(request, to); }) + packed({"body"});
  const json value = json::from_msgpack(envelope);
  ASSERT_EQ(value.size(), 9u);
  EXPECT_EQ(value[0], 16);
  EXPECT_EQ(value[1], 5);
  EXPECT_EQ(value[2], 300);
  EXPECT_EQ(value[3], 1500);
  EXPECT_EQ(value[4], 4096);
  EXPECT_EQ(value[5], "acme");
  EXPECT_EQ(value[6][0].get_binary()[15], 2);
  EXPECT_EQ(value[6][1], 3);
  EXPECT_EQ(value[6][2], 4);
  EXPECT_EQ(value[6][3], json::object());
  EXPECT_EQ(value[7][0].get_binary()[7], 5);
  EXPECT_EQ(value[7][1], 7);
  EXPECT_EQ(value[8], json({"body"}));

  RequestView back;
  ASSERT_EQ(decode(envelope, limits, back), ErrorCode::ok);
  EXPECT_EQ(back.trace.trace_id_low, 2u);
  EXPECT_EQ(back.trace.baggage, "\x80");
  EXPECT_EQ(back.idempotency, request.idempotency);
  EXPECT_EQ(back.body, packed({"body"}));
}

TEST(Messages, DeadlineLiesWhereItIsRewritten) {
  for (const std::uint64_t id : {1ull, 200ull, 70'000ull, 1ull << 40}) {
    for (const std::uint32_t method : {1u, 300u, 100'000u}) {
      RequestView request{.request_id = id, .method = method, .deadline_ms = 1};
      Bytes envelope = encoded([&](char* to) { return encode_head(request, to); }) + "\xc0";
      store_be<std::uint32_t>(envelope.data() + request_deadline_offset(id, method), 0xabcdef01);
      ASSERT_EQ(decode(envelope, limits, request), ErrorCode::ok);
      EXPECT_EQ(request.deadline_ms, 0xabcdef01u);
    }
  }
}

TEST(Messages, LaterElementsAreIgnored) {
  json request = valid_request;
  request.push_back({{"later", "version"}});
  EXPECT_EQ(error_of<RequestView>(request), ErrorCode::ok);
  request[6] = {id16(1), 2, 3, json::object(), "later"};
  request[7] = {id16(1), 2, "later"};
  EXPECT_EQ(error_of<RequestView>(request), ErrorCode::ok);
  EXPECT_EQ(error_of<ResponseView>({17, 5, 4, "detail", 0, nullptr, 1}), ErrorCode::ok);
  EXPECT_EQ(error_of<OnewayView>({18, 5, "t", nullptr, nullptr, "x"}), ErrorCode::ok);
  EXPECT_EQ(error_of<ChunkView>({19, 1, 0, 10, 16, 5, id16(0), {1}}), ErrorCode::ok);
  EXPECT_EQ(error_of<Ping>({3, 77, {{"load", 0.5}}}), ErrorCode::ok);
  EXPECT_EQ(error_of<Credit>({5, 1, 2, 3}), ErrorCode::ok);
  EXPECT_EQ(error_of<Cancel>({6, 0, 1, 7, nullptr}), ErrorCode::ok);
  EXPECT_EQ(error_of<GoAway>({7, 16, "x", nullptr}), ErrorCode::ok);
  EXPECT_EQ(error_of<ErrorMessage>({8, 16, "x", nullptr}), ErrorCode::ok);
}

TEST(Messages, MissingElementsAndWrongTypesAreRefused) {
  for (std::size_t i = 0; i < valid_request.size(); ++i) {
    json shorter = valid_request;
    shorter.erase(i);
    EXPECT_EQ(error_of<RequestView>(shorter), ErrorCode::bad_envelope) << i;
    if (i + 1 == valid_request.size()) break;  // a body may be anything
    json wrong = valid_request;
    wrong[i] = json::array();
    EXPECT_EQ(error_of<RequestView>(wrong), ErrorCode::bad_envelope) << i;
  }
  json no_trace = valid_request;
  no_trace[6] = {id16(0), 1, 1, json::object()};
  EXPECT_EQ(error_of<RequestView>(no_trace), ErrorCode::bad_envelope) << "a trace id of zero";
  json nested_baggage = valid_request;
  nested_baggage[6] = {id16(1), 1, 1, {{"k", json::array()}}};
  EXPECT_EQ(error_of<RequestView>(nested_baggage), ErrorCode::bad_envelope);
  json zero_id = valid_request;
  zero_id[1] = 0;
  EXPECT_EQ(error_of<RequestView>(zero_id), ErrorCode::bad_envelope);
  EXPECT_EQ(error_of<ChunkView>({19, 1, 0, 10, 19, 5, id16(0)}), ErrorCode::bad_envelope)
      << "a chunk of chunks";
  EXPECT_EQ(error_of<Cancel>({6, 2, 1, 7}), ErrorCode::bad_envelope);
  Ping ping;
  EXPECT_EQ(decode(packed({3, 1}) + "x", limits, ping), ErrorCode::bad_envelope)
      << "bytes after the envelope";
}

TEST(Messages, OversizedValuesAreNamed) {
  json request = valid_request;
  request[5] = std::string(65, 't');
  EXPECT_EQ(error_of<RequestView>(request), ErrorCode::envelope_value_too_large);
  request = valid_request;
  request[6] = {id16(1), 1, 1, {{"k", std::string(1025, 'b')}}};
  EXPECT_EQ(error_of<RequestView>(request), ErrorCode::envelope_value_too_large);
  EXPECT_EQ(error_of<ResponseView>({17, 5, 4, std::string(257, 'd'), 0, nullptr}),
            ErrorCode::envelope_value_too_large);
  json deep = 1;
  for (int i = 0; i < 17; ++i) deep = json::array({deep});
  request = valid_request;
  request[8] = deep;
  EXPECT_EQ(error_of<RequestView>(request), ErrorCode::envelope_too_deep);
  request[8] = std::vector<int>(70'000, 1);
  EXPECT_EQ(error_of<RequestView>(request), ErrorCode::envelope_too_many_elements);
}

TEST(Messages, KindsOutsideTheTableAreUnexpected) {
  Kind kind;
  for (int number = 0; number < 300; ++number) {
    const bool known = (number >= 1 && number <= 8) || (number >= 16 && number <= 19);
    EXPECT_EQ(decode_kind(packed({number, 1}), kind),
              known ? ErrorCode::ok : ErrorCode::unexpected_message);
  }
  EXPECT_EQ(decode_kind(packed(json::array()), kind), ErrorCode::bad_envelope);
  EXPECT_EQ(decode_kind(packed(5), kind), ErrorCode::bad_envelope);
  EXPECT_EQ(decode_kind("", kind), ErrorCode::bad_envelope);
}

TEST(Messages, HelloRoundTrip) {
  Hello hello{.version_min = 2, .version_max = 9, .cluster_id = "c", .node_id = 0};
  hello.role = PeerRole::client;
  hello.client_id = {11, 12};
  hello.incarnation = 1ull << 60;
  hello.target = 3;
  hello.topology_hash = 1ull << 63;
  hello.lane = Lane::bulk;
  hello.shard = 3;
  hello.shard_count = 4;
  hello.features = 1;
  hello.encryption = EncryptionMode::required;
  hello.payload_bytes_max = 5;
  hello.message_bytes_max = 6;
  hello.credit_bytes = 7;
  hello.credit_messages = 8;
  hello.random.fill('r');
  const Bytes envelope =
      encoded([&](char* to) { return encode_hello(hello, Kind::hello_ack, to); });
  EXPECT_EQ(json::from_msgpack(envelope).size(), 20u);
  const auto back = decode_hello(envelope, Kind::hello_ack, limits);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->cluster_id, "c");
  EXPECT_EQ(back->client_id, hello.client_id);
  EXPECT_EQ(back->topology_hash, hello.topology_hash);
  EXPECT_EQ(back->lane, Lane::bulk);
  EXPECT_EQ(back->encryption, EncryptionMode::required);
  EXPECT_EQ(back->credit_messages, 8u);
  EXPECT_EQ(back->random, hello.random);
  EXPECT_EQ(decode_hello(envelope, Kind::hello, limits).error().code, ErrorCode::bad_handshake);
  for (std::size_t size = 0; size < envelope.size(); ++size) {
    EXPECT_EQ(decode_hello(envelope.substr(0, size), Kind::hello_ack, limits).error().code,
              ErrorCode::bad_handshake);
  }
}

}  // namespace
}  // namespace grey::protocol
