// Golden vectors: tests/vectors/protocol_vectors.json says for byte strings what a conforming
// receiver makes of them. make_vectors writes the file, vectors_test.cc reads it; both run a
// receiver through this.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"
#include "protocol/crypto.h"
#include "protocol/testing/session_pair.h"

namespace grey::protocol::testing {

using nlohmann::json;

inline std::string to_hex(ByteView bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

inline Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

/// Every frame of the vectors was sent at this time.
inline constexpr std::int64_t vector_unix_ns = 1'700'000'000'000'000'000;

/// The receiver's configuration: what a case does not name is as in "defaults".
inline json default_receiver() {
  return {{"role", "acceptor"},
          {"cluster_id", "test-cluster"},
          {"node_id", 2},
          {"incarnation", 7},
          {"topology_hash", 0x1122334455667788},
          {"encryption", 0},
          {"node_secret", "a secret that only the nodes know"},
          {"random", to_hex(ByteView(example_config(SessionRole::acceptor).random.data(), 32))},
          {"payload_bytes_max", 65536},
          {"message_bytes_max", 1048576},
          {"credit_bytes", 65536},
          {"credit_messages", 4},
          {"requests_sent", 0}};
}

inline SessionConfig receiver_config(const json& receiver) {
  const bool accepts = receiver.at("role") == "acceptor";
  SessionConfig config = example_config(accepts ? SessionRole::acceptor : SessionRole::initiator);
  config.cluster_id = receiver.at("cluster_id").get<std::string>();
  config.node_id = receiver.at("node_id").get<NodeId>();
  config.expected_node = accepts ? 0 : 2;
  config.incarnation = receiver.at("incarnation").get<std::uint64_t>();
  config.topology_hash = receiver.at("topology_hash").get<std::uint64_t>();
  config.encryption = static_cast<EncryptionMode>(receiver.at("encryption").get<int>());
  config.node_secret = receiver.at("node_secret").get<std::string>();
  const Bytes random = from_hex(receiver.at("random").get<std::string>());
  std::copy(random.begin(), random.end(), config.random.begin());
  LaneLimits& lane = config.lanes[static_cast<std::size_t>(Lane::data)];
  lane.payload_bytes_max = receiver.at("payload_bytes_max").get<std::uint32_t>();
  lane.message_bytes_max = receiver.at("message_bytes_max").get<std::uint64_t>();
  lane.credit_bytes = receiver.at("credit_bytes").get<std::uint64_t>();
  lane.credit_messages = receiver.at("credit_messages").get<std::uint64_t>();
  return config;
}

inline json trace_json(const TraceContext& trace, const Bytes& baggage) {
  if (!trace) return nullptr;
  return {{"trace_id_high", trace.trace_id_high},
          {"trace_id_low", trace.trace_id_low},
          {"span_id", trace.span_id},
          {"parent_span_id", trace.parent_span_id},
          {"baggage", to_hex(baggage)}};
}

inline json idempotency_json(const OperationId& id) {
  if (!id) return nullptr;
  return {
      {"client_high", id.client.high}, {"client_low", id.client.low}, {"sequence", id.sequence}};
}

/// What was delivered, by kind in the order of kinds.
inline json events_json(const RecordingEvents& events) {
  json list = json::array();
  for (int i = 0; i < events.established_count; ++i) {
    const Hello& hello = events.peer_info.hello;
    list.push_back({{"event", "established"},
                    {"role", hello.role == PeerRole::node ? "node" : "client"},
                    {"node_id", hello.node_id},
                    {"incarnation", hello.incarnation},
                    {"lane", lane_name(events.peer_info.lane)},
                    {"credit_bytes", hello.credit_bytes},
                    {"credit_messages", hello.credit_messages},
                    {"encrypted", events.peer_info.encrypted}});
  }
  for (const auto& r : events.requests) {
    list.push_back({{"event", "request"},
                    {"request_id", r.request_id},
                    {"method", r.method},
                    {"deadline_ms", r.deadline_ms},
                    {"reply_bytes_max", r.reply_to.reply_bytes_max},
                    {"tenant", r.tenant},
                    {"trace", trace_json(r.trace, r.baggage)},
                    {"idempotency", idempotency_json(r.idempotency)},
                    {"priority", r.priority},
                    {"body", to_hex(r.body)}});
  }
  for (const auto& o : events.oneways) {
    list.push_back({{"event", "oneway"},
                    {"method", o.method},
                    {"tenant", o.tenant},
                    {"body", to_hex(o.body)}});
  }
  for (const auto& r : events.responses) {
    list.push_back({{"event", "response"},
                    {"request_id", r.request_id},
                    {"code", static_cast<int>(r.code)},
                    {"detail", r.detail},
                    {"retry_after_ms", r.retry_after_ms},
                    {"body", to_hex(r.body)}});
  }
  for (const auto id : events.cancels) list.push_back({{"event", "cancel"}, {"request_id", id}});
  for (const auto code : events.goaways) {
    list.push_back({{"event", "goaway"}, {"code", static_cast<int>(code)}});
  }
  return list;
}

inline json direction_json(const DirectionKeys& keys) {
  return {{"key", to_hex({reinterpret_cast<const char*>(keys.key.data()), keys.key.size()})},
          {"nonce_base", to_hex({reinterpret_cast<const char*>(keys.nonce_base.data()),
                                 keys.nonce_base.size()})}};
}

inline json keys_json(ByteView secret, ByteView hello_frame, ByteView hello_ack_frame) {
  const SessionKeys keys = derive_keys(secret, hello_frame, hello_ack_frame);
  return {{"secret", to_hex(secret)},
          {"hello_frame", to_hex(hello_frame)},
          {"hello_ack_frame", to_hex(hello_ack_frame)},
          {"initiator", direction_json(keys.initiator)},
          {"acceptor", direction_json(keys.acceptor)}};
}

/// What a receiver did with a case.
struct VectorOutcome {
  json events;              // delivered from "input"
  std::string error;        // name, empty if it did not fail
  std::vector<Bytes> sent;  // what it sent, one entry for each thing received before "input"
};

inline VectorOutcome run_vector(const json& receiver, const json& one_case) {
  Instant at{MonotonicTime(std::chrono::hours(1)), vector_unix_ns};
  Side side(receiver_config(receiver));
  VectorOutcome outcome;
  side.session.start(at);
  if (receiver.at("role") == "initiator") outcome.sent.push_back(take_all(side.session, at));
  for (const json& hex : one_case.at("preceding")) {
    side.session.receive(from_hex(hex.get<std::string>()), at);
    const bool last = &hex == &one_case.at("preceding").back();
    for (int i = 0; last && i < receiver.at("requests_sent").get<int>(); ++i) {
      (void)side.session.send_request({.method = 1, .reply_bytes_max = 1024}, {}, at);
    }
    outcome.sent.push_back(take_all(side.session, at));
  }
  RecordingEvents& events = side.events;
  const bool was_established = events.established_count > 0;
  events.requests.clear();
  side.session.receive(from_hex(one_case.at("input").get<std::string>()), at);
  if (one_case.value("end_of_stream", false)) side.session.receive_end(at);
  at.now += std::chrono::milliseconds(one_case.value("wait_ms", 0));
  side.session.tick(at);
  if (was_established) events.established_count = 0;  // not from the input
  outcome.events = events_json(events);
  if (events.failed_count != 0) outcome.error = error_name(events.failure.code);
  return outcome;
}

}  // namespace grey::protocol::testing
